/**
 * One of several processes that change one table: for every line on stdin, a {@link ChangeJob}, it does random verbs one after the other and answers
 * with a line of {@link Told}: what it did, what it knew, and what it was told.
 */
import { createInterface } from 'node:readline'
import { ConflictError, Table } from '../../src/index.ts'
import { seeded } from '../fuzz/random.ts'

/** What a process is to do. */
export interface ChangeJob {
  readonly path: string
  readonly seed: number
  readonly verbs: number
}

/** A row of the table. */
export interface Item {
  readonly id: number
  readonly part: number
  readonly n: number
}

/** A verb. Rows are known by `part`, by `id`, or are those at and above an `n`. */
export type Change =
  | { readonly kind: 'append'; readonly rows: readonly Item[]; readonly load?: number }
  | { readonly kind: 'delete'; readonly where: Where }
  | { readonly kind: 'update'; readonly where: Where }
  | { readonly kind: 'upsert'; readonly rows: readonly Item[] }
  | { readonly kind: 'optimize' }

/** Which rows. */
export interface Where {
  readonly column: 'id' | 'part' | 'n'
  readonly value: number
}

/** A verb, the newest version that its process knew of before, and how it ended. */
export interface Told {
  readonly change: Change
  readonly knew: number
  readonly version?: number
  readonly alreadyApplied?: boolean
  readonly conflict?: string
  readonly bug?: string
}

for await (const line of createInterface({ input: process.stdin })) {
  const { path, seed, verbs } = JSON.parse(line) as ChangeJob
  const table = await Table.open(path)
  const random = seeded(seed)
  const told: Told[] = []
  for (let number = 0; number < verbs; number += 1) {
    const change = chosen(number)
    const knew = await table.version()
    try {
      const { version, alreadyApplied } = await carriedOut(table, change)
      told.push({ change, knew, version, alreadyApplied })
    } catch (error) {
      if (error instanceof ConflictError) told.push({ change, knew, conflict: error.code })
      else told.push({ change, knew, bug: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  }
  process.stdout.write(`${JSON.stringify(told)}\n`)

  function chosen(number: number): Change {
    const item = (id: number): Item => ({ id, part: id % 4, n: random.below(10) })
    const where: Where = random.of([
      { column: 'id', value: random.below(16) },
      { column: 'part', value: random.below(4) },
      { column: 'n', value: 8 },
    ])
    const rows = Array.from({ length: 1 + random.below(4) }, (_, at) => item(1000 * (1 + seed * verbs + number) + at))
    // The rows of a load are the same whoever sends it.
    const load = random.below(5)
    return random.of<Change>([
      { kind: 'append', rows },
      { kind: 'append', rows: [0, 1].map((at) => ({ id: 100 + 2 * load + at, part: at, n: load })), load },
      { kind: 'delete', where },
      { kind: 'delete', where },
      { kind: 'update', where },
      { kind: 'update', where },
      { kind: 'upsert', rows: [...new Set([random.below(16), random.below(16)])].map(item) },
      { kind: 'upsert', rows: [item(random.below(16))] },
      { kind: 'optimize' },
    ])
  }
}

function carriedOut(table: Table, change: Change) {
  const sql = ({ column, value }: Where) => (column === 'n' ? `n >= ${value}` : `${column} = ${value}`)
  switch (change.kind) {
    case 'append':
      return table.append(
        plain(change.rows),
        change.load === undefined ? {} : { txn: { appId: 'loads', version: change.load }, txnAnyOrder: true },
      )
    case 'delete':
      return table.delete({ where: sql(change.where) })
    case 'update':
      return table.update({ set: { n: '(n + 3) % 10' }, where: sql(change.where) })
    case 'upsert':
      return table.upsert(plain(change.rows), { key: 'id' })
    case 'optimize':
      return table.optimize()
  }
}

function plain(rows: readonly Item[]) {
  return rows.map((row) => ({ ...row }))
}
