/** An alter that ends at any request of its store leaves the table as it was, or as it was to be. */
import { expect, test } from 'vitest'
import { memoryStore, type ObjectStore, Table, type TableChange } from '../../../src/index.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

const changes: TableChange[] = [
  { rename: { name: 'id', to: 'key' } },
  { drop: 'n' },
  { addConstraint: { name: 'positive', expression: 'key > 0' } },
  { set: { 'delta.enableInCommitTimestamps': 'true', 'delta.enableRowTracking': 'true' } },
]

/** A store whose n-th request that changes something fails, before or after it was done; all later ones fail too. */
function ending(inner: ObjectStore, at: number, when: 'before' | 'after'): { store: ObjectStore; requests: () => number } {
  let count = 0
  const failing = <Name extends 'put' | 'putIfAbsent'>(name: Name): ObjectStore[Name] =>
    (async (...args: Parameters<ObjectStore[Name]>) => {
      const mine = count++
      const ends = mine >= at
      if (ends && (when === 'before' || mine > at)) throw new Error('the process ended')
      const result = await (inner[name] as (...all: unknown[]) => Promise<unknown>)(...args)
      if (ends) throw new Error('the process ended')
      return result
    }) as unknown as ObjectStore[Name]
  return { store: intercepted(inner, { put: failing('put'), putIfAbsent: failing('putIfAbsent') }), requests: () => count }
}

const before = [
  { id: 1n, n: 1 },
  { id: 2n, n: 2 },
]
const done = [{ key: 1n }, { key: 2n }]

test('at every request, before and after it', async () => {
  const outcomes = new Set<number>()
  for (let [at, last] = [0, false]; !last; at += 1) {
    for (const when of ['before', 'after'] as const) {
      const inner = memoryStore()
      const table = await Table.create(inner, { schema: 'id BIGINT, n INTEGER', preset: 'wide' })
      await table.append(before)
      const { store, requests } = ending(inner, at, when)
      await (await Table.open(store)).alter(changes).catch(() => undefined)
      last = requests() <= at
      const after = await (await Table.open(inner)).latest()
      outcomes.add(after.version)
      const rows = await after.query('SELECT * FROM t ORDER BY 1', { name: 't' }).toArray()
      expect(rows).toEqual(after.version === 1 ? before : done)
      expect([await after.rowCount(), await after.fileCount()]).toEqual([2, 1])
      // What was not done can be done; what was done is refused, since its columns are gone.
      const again = (await Table.open(inner)).alter(changes)
      if (after.version === 1) expect(await again).toMatchObject({ version: 2 })
      else await expect(again).rejects.toMatchObject({ code: 'UNKNOWN_COLUMN' })
    }
  }
  expect([...outcomes].sort()).toEqual([1, 2])
})
