/**
 * A process that moves a table, for every line on stdin a {@link MoverJob}: it pushes, pulls, vacuums or appends, and answers with a line that says how
 * it ended.
 */
import { createInterface } from 'node:readline'
import { Table, VarveError } from '../../src/index.ts'

/** What a mover is told to do. */
export interface MoverJob {
  readonly verb: 'push' | 'pull' | 'vacuum' | 'append' | 'open'
  readonly path: string
  readonly remote?: string
}

/** How it ended. */
export interface MoverResult {
  readonly code: string
  readonly message?: string
  readonly versions?: number
  readonly files?: number
}

async function work({ verb, path, remote }: MoverJob): Promise<MoverResult> {
  if (verb === 'pull') return { code: 'done', ...numbers(await Table.pull(path, { from: remote, history: true })) }
  const table = await Table.open(path)
  if (verb === 'push') return { code: 'done', ...numbers(await table.push(remote)) }
  if (verb === 'vacuum') await table.vacuum({ olderThan: '0d' })
  if (verb === 'append') await table.append([{ id: BigInt(process.pid) }])
  return { code: 'done' }
}

function numbers({ versions, files }: { versions: number; files: number }) {
  return { versions, files }
}

for await (const line of createInterface({ input: process.stdin })) {
  const result = await work(JSON.parse(line) as MoverJob).catch((error: unknown) => ({
    code: error instanceof VarveError ? error.code : 'BUG',
    message: error instanceof Error ? (error.stack ?? '') : String(error),
  }))
  process.stdout.write(`${JSON.stringify(result)}\n`)
}
