/** What is said of versions that were let go. */
import { expect, test } from 'vitest'
import { memoryStore, Table } from '../../src/index.ts'
import { endedBy, joinSpans, readEndings, withoutSpans } from '../../src/log/index.ts'
import { beginEnding, finishEnding, putAbsent, withdrawEnding } from '../../src/refs/endings.ts'

const span = (from: number, to = from) => ({ from, to })

test('endings that are done join those before them, and one that is taken back was never there', async () => {
  const store = memoryStore()
  const first = await beginEnding(store, { by: 'retain', spans: [span(0, 2)], archive: 'file:///a/' })
  await finishEnding(store, first)
  const back = await beginEnding(store, { by: 'retain', spans: [span(5)], archive: 'file:///a/' })
  await withdrawEnding(store, back)
  const interrupted = await beginEnding(store, { by: 'retain', spans: [span(3)], archive: 'file:///a/' })
  expect(endedBy(await readEndings(store))).toEqual([span(0, 3)])
  expect(endedBy(await readEndings(store), ({ done }) => done)).toEqual([span(0, 2)])
  const other = await beginEnding(store, { by: 'erase', spans: [span(9)], archive: null })
  const next = await beginEnding(store, { by: 'retain', spans: [span(3, 4)], archive: 'file:///a/' })
  await finishEnding(store, next)
  await finishEnding(store, other)
  expect((await readEndings(store)).map(({ id, by, spans, done }) => ({ id, by, spans, done }))).toEqual([
    { id: next, by: 'retain', spans: [span(0, 4)], done: true },
    { id: other, by: 'erase', spans: [span(9)], done: true },
  ])
  expect([interrupted, back].some((id) => id === next)).toBe(false)
  await putAbsent(store, [span(7)], 'file:///home/')
  await putAbsent(store, [span(8)], 'file:///home/')
  expect(endedBy(await readEndings(store), ({ by }) => by === 'archive')).toEqual([span(8)])
})

test('of many who end versions at once none is lost', async () => {
  const store = memoryStore()
  await Promise.all(Array.from({ length: 8 }, (_, i) => beginEnding(store, { by: 'retain', spans: [span(2 * i)], archive: null })))
  expect(endedBy(await readEndings(store))).toEqual(Array.from({ length: 8 }, (_, i) => span(2 * i)))
})

test('a record that cannot be understood is an error to whoever asks for an older version', async () => {
  const store = memoryStore()
  await Table.append(store, [{ id: 1 }], { create: true })
  const table = await Table.open(store)
  await table.append([{ id: 2 }])
  for (const record of [
    'oops',
    '{}',
    '{"endings":[{"id":"x","by":"fire","spans":[]}]}',
    '{"endings":[{"id":"x","by":"erase","spans":[{"from":"0"}]}]}',
  ]) {
    await store.put('_varve/ended/1.json', new TextEncoder().encode(record))
    await expect(table.asOf(0), record).rejects.toMatchObject({ code: 'RECORD_CORRUPT', data: { file: '_varve/ended/1.json' } })
  }
})

test('ranges are joined and taken from one another', () => {
  expect(joinSpans([span(5, 6), span(0, 1), span(2), span(8)])).toEqual([span(0, 2), span(5, 6), span(8)])
  expect(withoutSpans([span(0, 9)], [span(0), span(3, 4), span(9, 12)])).toEqual([span(1, 2), span(5, 8)])
  expect(withoutSpans([span(1, 2)], [span(0, 5)])).toEqual([])
})
