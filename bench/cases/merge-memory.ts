/** Memory of a merge that is larger than its memory may be. */
import { join } from 'node:path'
import { Table } from '../../src/index.ts'
import type { Case } from '../harness/case.ts'
import { inputFiles, schema } from '../harness/data.ts'

/** 10,000,000 rows into 20,000,000. */
export const mergeMemory: Case = {
  name: 'merge-memory',
  title: 'peak memory of a merge of 10,000,000 rows, half of them matching, into 20,000,000, fresh processes',
  long: true,
  needs: ['rows-20m', 'rows-merge-10m'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      fresh: true,
      samples: 1,
      start: async ({ data, work }) => {
        const table = await Table.create(join(work, 't'), { schema })
        await table.append({ files: inputFiles(data, 'rows-20m') })
        return {
          sample: async () => {
            await table.upsert({ files: inputFiles(data, 'rows-merge-10m') }, { key: 'id' })
            const [row] = await (await table.latest())
              .query('SELECT count(*) AS n, count(*) FILTER (amount < 0) AS negative FROM t', { name: 't' })
              .toArray()
            if (Number(row?.n) !== 25_000_000 || Number(row?.negative) !== 10_000_000)
              throw new Error(`${row?.n} rows, ${row?.negative} new`)
            return undefined
          },
        }
      },
    },
  ],
  targets: [{ says: 'peak resident memory', of: 'varve', metric: 'peak', atMost: 4096, unit: 'MiB' }],
}
