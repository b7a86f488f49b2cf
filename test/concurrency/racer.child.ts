/**
 * One of several processes that write to one table: for every line on stdin, a {@link RaceJob}, it appends the job's loads one after
 * the other and answers with a line of {@link LoadResult}s.
 */
import { createInterface } from 'node:readline'
import { Table, VarveError } from '../../src/index.ts'

/** What a racer is told to do. */
export interface RaceJob {
  readonly path: string
  readonly loads: readonly Load[]
  /** Every load by `Table.append` with `create`, as a process that may be the first. */
  readonly create?: boolean
  readonly anyOrder?: boolean
}

/** One append: a row for each id. */
export interface Load {
  readonly ids: readonly number[]
  readonly txn?: { readonly appId: string; readonly version: number }
}

/** How a load ended. */
export type LoadResult =
  | { readonly version: number; readonly alreadyApplied: boolean }
  | { readonly code: string; readonly message: string }

for await (const line of createInterface({ input: process.stdin })) {
  const job = JSON.parse(line) as RaceJob
  const results: LoadResult[] = []
  const table = job.create ? undefined : await Table.open(job.path)
  for (const { ids, txn } of job.loads) {
    const rows = ids.map((id) => ({ id, process: process.pid }))
    const options = { ...(txn && { txn }), ...(job.anyOrder && { txnAnyOrder: true }) }
    try {
      const done = table ? await table.append(rows, options) : await Table.append(job.path, rows, { create: true, ...options })
      results.push({ version: done.version, alreadyApplied: done.alreadyApplied })
    } catch (error) {
      results.push({
        code: error instanceof VarveError ? error.code : 'BUG',
        message: error instanceof Error ? (error.stack ?? '') : String(error),
      })
    }
  }
  process.stdout.write(`${JSON.stringify(results)}\n`)
}
