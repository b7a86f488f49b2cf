/** Appends of Arrow batches: a table in memory, and a stream that is larger than memory may be. */
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RecordBatch, RecordBatchReader, tableFromIPC } from 'apache-arrow'
import { Table } from '../../src/index.ts'
import type { Case } from '../harness/case.ts'
import { inputFiles, schema } from '../harness/data.ts'
import { parquetRelation, plainDuckDB, syncFile } from '../harness/duckdb.ts'
import { lance, lanceArrow } from '../harness/peers.ts'
import { wallOf } from './append.ts'

function arrowCase(name: string, title: string, suffix: string, atMost: number): Case {
  return {
    name,
    title,
    needs: [`rows-2m${suffix}`, `arrow-2m${suffix}`],
    contenders: [
      {
        name: 'varve',
        role: 'varve',
        start: async ({ data, work }) => {
          const input = tableFromIPC(await readFile(inputFiles(data, `arrow-2m${suffix}`)[0]!))
          return {
            sample: async (round) => {
              const table = await Table.create(join(work, `t${round}`), { schema })
              return { wall: await wallOf(() => table.append(input)) }
            },
          }
        },
      },
      {
        name: 'DuckDB COPY of a native table, zstd, synced',
        role: 'floor',
        start: async ({ data, work }) => {
          const connection = await plainDuckDB()
          await connection.run(`CREATE TABLE t AS FROM ${parquetRelation(inputFiles(data, `rows-2m${suffix}`))}`)
          return {
            sample: async (round) => {
              const target = join(work, `${round}.parquet`)
              await connection.run(`COPY t TO '${target}' (FORMAT parquet, COMPRESSION zstd)`)
              await syncFile(target)
              return undefined
            },
          }
        },
      },
      {
        name: 'lancedb (does not sync)',
        role: 'peer',
        start: async ({ data, work, peers }) => {
          const input = lanceArrow(peers).tableFromIPC(await readFile(inputFiles(data, `arrow-2m${suffix}`)[0]!))
          const { connect } = lance(peers)
          return {
            sample: async (round) => {
              const connection = await connect(join(work, `db${round}`))
              return { wall: await wallOf(() => connection.createTable('t', input)) }
            },
          }
        },
      },
    ],
    targets: [
      {
        says: 'beside DuckDB COPY of the same rows in a native table',
        of: 'varve',
        to: 'DuckDB COPY of a native table, zstd, synced',
        atMost,
      },
    ],
  }
}

/** Numbers and strings of at most 12 bytes. */
export const appendArrow: Case = arrowCase('append-arrow', '2,000,000 rows from an Arrow table, numbers and short strings', '', 1.3)

/** Strings of 43 bytes. */
export const appendArrowLong: Case = arrowCase('append-arrow-long', '2,000,000 rows from an Arrow table, strings of 43 bytes', '-long', 2)

/** Memory of a stream. */
export const appendArrowMemory: Case = {
  name: 'append-arrow-memory',
  title: 'peak memory of one append of a stream of 20,000,000 rows in Arrow batches, fresh processes',
  needs: ['arrow-2m', 'arrow-2m-long'],
  contenders: ['', '-long'].map((suffix) => ({
    name: suffix ? 'varve, long strings' : 'varve',
    role: 'varve' as const,
    fresh: true,
    samples: suffix ? 1 : 3,
    start: async ({ data, work }) => ({
      sample: async (round: number) => {
        const table = await Table.create(join(work, `t${round}`), { schema })
        await table.append(repeated(inputFiles(data, `arrow-2m${suffix}`)[0]!, 10))
        const rows = await (await table.latest()).rowCount()
        if (rows !== 20_000_000) throw new Error(`${rows} rows`)
        return undefined
      },
    }),
  })),
  targets: [
    { says: 'peak resident memory', of: 'varve', metric: 'peak', atMost: 1024, unit: 'MiB' },
    { says: 'peak resident memory with long strings', of: 'varve, long strings', metric: 'peak', atMost: 1024, unit: 'MiB' },
  ],
}

async function* repeated(file: string, times: number): AsyncGenerator<RecordBatch> {
  for (let time = 0; time < times; time++) {
    for await (const batch of await RecordBatchReader.from(createReadStream(file, { highWaterMark: 1 << 20 }))) yield batch
  }
}
