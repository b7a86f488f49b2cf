/** What it costs that a version says where it comes from: author, Git commit, command, code, and the hashes of the files that were read. */
import { join } from 'node:path'
import { Table } from '../../src/index.ts'
import type { Case, Contender } from '../harness/case.ts'
import { inputFiles, schema } from '../harness/data.ts'
import { quantile } from '../harness/measure.ts'
import { smallRows } from '../history-maker.ts'

const appends = 300

/** As many appends of the large file, of which the quickest counts: what varies is the disk. */
const loads = 3

const wallOf = async (work: () => Promise<unknown>) => {
  const began = performance.now()
  await work()
  return performance.now() - began
}

function contender(name: string, options: { readonly provenance?: false }): Contender {
  return {
    name,
    role: 'varve',
    start: async ({ data, work }) => ({
      sample: async (round) => {
        const small = await Table.create(join(work, `small${round}`), { schema, ...options })
        const times: number[] = []
        for (let n = 0; n < appends; n += 1) times.push(await wallOf(() => small.append(smallRows(n), options)))
        const large = await Table.create(join(work, `large${round}`), { schema, ...options })
        const files: number[] = []
        for (let n = 0; n < loads; n += 1) files.push(await wallOf(() => large.append({ files: inputFiles(data, 'rows-2m') }, options)))
        return { rows: quantile(times, 0.5), file: Math.min(...files) }
      },
    }),
  }
}

/** 100 rows of the program, and a Parquet file of 2,000,000 rows, with all of it and without. */
export const appendProvenance: Case = {
  name: 'append-provenance',
  title: `append with provenance and hashes, and without: p50 of ${appends} appends of 100 rows, and a Parquet file of 2,000,000 rows, ms`,
  shows: ['rows', 'file'],
  needs: ['rows-2m'],
  contenders: [contender('with', {}), contender('without', { provenance: false })],
  targets: (['rows', 'file'] as const).map((metric) => ({
    says: `${metric === 'rows' ? '100 rows' : 'a file'} with, beside without`,
    of: 'with',
    to: 'without',
    metric,
    atMost: 1.1,
  })),
  note: 'the SHA-256 of each data file that is written is there in both: it is part of every commit',
}
