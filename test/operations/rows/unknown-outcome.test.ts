/** A commit whose outcome nobody knows may name the files that a verb wrote: they stay, whatever the verb. */
import { expect, test } from 'vitest'
import { memoryStore, type ObjectStore, Table } from '../../../src/index.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

const verbs: Readonly<Record<string, (table: Table) => Promise<unknown>>> = {
  update: (table) => table.update({ set: { id: 'id + 10' } }),
  merge: (table) => table.upsert([{ id: 1 }, { id: 7 }], { key: 'id' }),
  overwrite: (table) => table.overwrite([{ id: 9 }]),
  optimize: (table) => table.optimize(),
}

test.concurrent.each(Object.keys(verbs))('%s', async (name) => {
  const inner = memoryStore()
  const first = await Table.create(inner, { schema: 'id BIGINT' })
  for (const id of [1, 2]) await first.append([{ id }])
  let lost = false
  const store: ObjectStore = intercepted(inner, {
    // The commit lands, and neither the answer nor anything after it comes through.
    async putIfAbsent(...args: Parameters<ObjectStore['putIfAbsent']>) {
      if (!lost) await inner.putIfAbsent(...args)
      lost = true
      return { outcome: 'unknown', cause: new Error('cut off') }
    },
    async get(...args: Parameters<ObjectStore['get']>) {
      if (lost) throw new Error('cut off')
      return inner.get(...args)
    },
  })
  await expect(verbs[name]!(await Table.open(store))).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  const after = await Table.open(inner)
  expect(await after.version()).toBe(3)
  expect((await (await after.latest()).scan().toArray()).length).toBeGreaterThan(0)
})
