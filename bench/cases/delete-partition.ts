/** Whole partitions deleted: the log says it all, so no data file need be there. */
import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Table } from '../../src/index.ts'
import type { Case } from '../harness/case.ts'
import { changingNeeds, loadedTable } from '../harness/changing.ts'
import { quantile } from '../harness/measure.ts'

const countries = ['DE', 'FR', 'US', 'JP', 'BR']

/** One partition after the other. */
export const deletePartition: Case = {
  name: 'delete-partition',
  title: 'delete of a whole partition, 2,000,000 rows in 8 partitions and 64 files (200,000 in a short run), milliseconds for one of five',
  needs: changingNeeds,
  shows: ['p50'],
  contenders: [
    {
      name: 'varve, of the log alone',
      role: 'varve',
      start: async (setting) => {
        const loaded = join(setting.work, 'loaded')
        await loadedTable(setting, loaded, ['country'])
        return {
          sample: async (round) => {
            // Only the log is copied: whoever opened a data file would find none.
            const folder = join(setting.work, `t${round}`)
            await mkdir(folder)
            await cp(join(loaded, '_delta_log'), join(folder, '_delta_log'), { recursive: true })
            const table = await Table.open(folder)
            const before = await (await table.latest()).rowCount()
            const times: number[] = []
            let deleted = 0
            for (const country of countries) {
              const began = performance.now()
              const { metrics } = await table.delete({ where: `country = '${country}'` })
              times.push(performance.now() - began)
              deleted += Number(metrics.numDeletedRows)
            }
            const after = await (await table.latest()).rowCount()
            if (deleted === 0 || before - after !== deleted) throw new Error(`${deleted} rows deleted of ${before}, ${after} left`)
            return { p50: quantile(times, 0.5) }
          },
        }
      },
    },
    { name: 'ducklake', role: 'peer' },
    { name: 'delta-rs (does not sync)', role: 'peer' },
  ],
  targets: [
    { says: 'one partition', of: 'varve, of the log alone', metric: 'p50', atMost: 10, unit: 'ms' },
    { says: 'beside DuckLake', of: 'varve, of the log alone', to: 'ducklake', metric: 'p50', atMost: 1 },
    { says: 'beside delta-rs', of: 'varve, of the log alone', to: 'delta-rs (does not sync)', metric: 'p50', atMost: 1 },
  ],
  note: 'the table of ours has no data files at all, so none can be opened',
}
