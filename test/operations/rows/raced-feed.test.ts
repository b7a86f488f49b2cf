import { expect, test } from 'vitest'
import { memoryStore, type Row, Table } from '../../../src/index.ts'

test('a row is told to be deleted once, whoever else deletes its file meanwhile', async () => {
  const store = memoryStore()
  const properties = { 'delta.enableChangeDataFeed': 'true', 'delta.enableDeletionVectors': 'false' }
  const other = await Table.create(store, { schema: 'a BIGINT', properties })
  await other.append([{ a: 1 }, { a: 2 }])
  await other.append([{ a: 3 }, { a: 4 }])
  let between: (() => Promise<unknown>) | undefined
  const raced = new Proxy(store, {
    get(of, name) {
      const member = Reflect.get(of, name)
      if (name !== 'putIfAbsent') return typeof member === 'function' ? member.bind(of) : member
      return async (...put: Parameters<typeof store.putIfAbsent>) => {
        const before = put[0].endsWith('.json') ? between : undefined
        if (before) between = undefined
        await before?.()
        return of.putIfAbsent(...put)
      }
    },
  })
  const table = await Table.open(raced)
  between = () => other.delete({ where: 'a <= 2' })
  // No row of the first file is left, some of the second: its change file tells all of them.
  const racing = table.delete({ where: 'a IN (1, 2, 3)' })
  await expect(racing).rejects.toMatchObject({ code: 'CONCURRENT_DELETE_DELETE' })
  await table.delete({ where: 'a IN (1, 2, 3)' })
  const deleted: Row[] = await (await Table.open(store)).changes({ from: 3 }).toArray()
  expect(deleted.map(({ a, _commit_version }) => [Number(a), Number(_commit_version)]).sort()).toEqual([
    [1, 3],
    [2, 3],
    [3, 4],
  ])
})
