/**
 * A writer that is killed: `node victim.child.js JOB` appends one load, or does another verb, through a store that ends the process with SIGKILL
 * at the n-th operation: before it, after it, or while it is on its way. It prints `committed` when the verb has returned, then the number of
 * operations.
 */
import { localStore, type ObjectStore, Table } from '../../src/index.ts'

/** What the victim does, and where it dies. */
export interface VictimJob {
  readonly path: string
  readonly ids: readonly number[]
  readonly txn: { readonly appId: string; readonly version: number }
  /** How the rows are written: as plain objects, or by a query. */
  readonly way: 'rows' | 'query'
  readonly create: boolean
  /** Another verb than an append, on a table of columns `id` and `part`. Its operations count from when the table is open. */
  readonly verb?: VictimVerb
  readonly partitionBy?: readonly string[]
  readonly properties?: Readonly<Record<string, string>>
  /** The operation, from 0, or none. */
  readonly at?: number
  readonly when?: 'before' | 'during' | 'after'
  /** Microseconds between the start of the operation and the end, for `during`. */
  readonly delay?: number
}

/** What a victim may do besides appending. */
export type VictimVerb = 'delete' | 'update' | 'merge' | 'overwrite' | 'optimize' | 'alter' | 'restore'

const verbs: Readonly<Record<VictimVerb, (table: Table) => Promise<unknown>>> = {
  delete: (table) => table.delete({ where: 'id % 3 = 0' }),
  update: (table) => table.update({ set: { part: 'part + 10' }, where: 'id % 3 = 1' }),
  merge: (table) =>
    table.merge(
      [2n, 5n, 100n].map((id) => ({ id, part: 7n })),
      {
        on: 'target.id = source.id',
        whenMatched: [{ if: 'target.id = 2', delete: true }, { update: 'all' }],
        whenNotMatched: [{ insert: 'all' }],
      },
    ),
  overwrite: (table) => table.overwrite([{ id: 50n, part: 0n }], { where: 'part = 0' }),
  optimize: (table) => table.optimize(),
  alter: (table) => table.alter([{ add: { name: 'n', type: 'INTEGER' } }, { rename: { name: 'part', to: 'parts' } }]),
  restore: (table) => table.restore(1),
}

const job = JSON.parse(process.argv[2]!) as VictimJob
// A look at a name changes nothing, and there are many of them: to die there is to die between the others.
const operations = new Set(['get', 'getRange', 'getTail', 'put', 'putIfAbsent', 'list', 'delete', 'materialise', 'stage'])
let count = 0
let opened = job.verb === undefined

const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

function deadly(store: ObjectStore): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (typeof value !== 'function') return value
      const method = (value as (...args: unknown[]) => unknown).bind(target)
      if (!operations.has(String(name))) return method
      return (...args: unknown[]) => {
        const mine = count++
        if (mine !== job.at || !opened) return method(...args)
        if (job.when === 'before') die()
        if (job.when === 'during') dieIn(job.delay ?? 0)
        const result = method(...args)
        if (job.when === 'after') void Promise.resolve(result).finally(die)
        return result
      }
    },
  })
}

// Timers are no finer than a millisecond; asking at every turn of the loop hits what lies between two syncs.
function dieIn(microseconds: number): void {
  const until = process.hrtime.bigint() + BigInt(microseconds) * 1000n
  const look = (): void => {
    if (process.hrtime.bigint() >= until) die()
    else setImmediate(look)
  }
  look()
}

const options = {
  txn: job.txn,
  create: true as const,
  ...(job.partitionBy && { partitionBy: [...job.partitionBy] }),
  ...(job.properties && { properties: { ...job.properties } }),
}
const rows = job.ids.map((id) => ({ id: BigInt(id), part: BigInt(id % 2) }))
const query = `SELECT unnest([${job.ids.join(', ')}])::BIGINT AS id, (unnest([${job.ids.join(', ')}]) % 2)::BIGINT AS part`
const store = deadly(localStore(job.path))
const input = job.way === 'rows' ? rows : { query }
if (job.verb) {
  const table = await Table.open(store)
  count = 0
  opened = true
  await verbs[job.verb](table)
} else if (job.create) await Table.append(store, input, options)
else await (await Table.open(store)).append(input, { txn: job.txn })
process.stdout.write(`committed ${count}\n`)
