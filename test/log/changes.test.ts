/** What a commit changed, from its actions alone; and commits too long for one text. */
import { expect, it } from 'vitest'
import type { Action } from '../../src/log/actions.ts'
import { changesOf } from '../../src/log/changes.ts'
import { parseActions } from '../../src/log/commit.ts'
import { vectorInline } from '../support/vectors.ts'

const add = (path: string, more = {}): Action => ({
  add: { path, partitionValues: {}, size: 1, modificationTime: 0, dataChange: true, ...more },
})
const remove = (path: string, more = {}): Action => ({ remove: { path, dataChange: true, ...more } })
const cdc = (path: string): Action => ({ cdc: { path, partitionValues: { p: 'x' }, size: 2, dataChange: false } })
const [one, two] = [vectorInline([1]), vectorInline([1, 2])]

const files = (...actions: Action[]) => changesOf(7, actions).files.map(({ path, change, rows }) => ({ path, change, rows }))

it('takes change files alone where there are some', () => {
  expect(files(add('a'), cdc('_change_data/c%20d'), remove('b'))).toEqual([
    { path: '_change_data/c d', change: undefined, rows: { allBut: undefined } },
  ])
})

it('takes adds and removes that change data, deleted rows first, whatever their order', () => {
  expect(files(add('a'), add('same', { dataChange: false }), remove('b%2Fc'), remove('gone', { dataChange: false }))).toEqual([
    { path: 'b/c', change: 'delete', rows: { allBut: undefined } },
    { path: 'a', change: 'insert', rows: { allBut: undefined } },
  ])
})

it.each([
  ['a first vector', undefined, one, [{ change: 'delete', rows: { only: one, except: undefined } }]],
  ['a vector taken away', one, undefined, [{ change: 'insert', rows: { only: one, except: undefined } }]],
  [
    'another vector',
    one,
    two,
    [
      { change: 'delete', rows: { only: two, except: one } },
      { change: 'insert', rows: { only: one, except: two } },
    ],
  ],
  ['the same vector', one, { ...one, offset: null }, []],
  ['no vector', undefined, undefined, []],
])('compares what a file had and has: %s', (_, before, after, expected) => {
  const actions = [add('f', { deletionVector: after }), remove('f', { deletionVector: before })]
  expect(files(...actions)).toEqual(expected.map((each) => ({ path: 'f', ...each })))
  expect(files(...actions.reverse())).toEqual(expected.map((each) => ({ path: 'f', ...each })))
})

it('keeps the number of rows, where statistics say it and it is needed', () => {
  const stats = (text: string) => changesOf(7, [add('a', { stats: text, deletionVector: one })]).files[0]?.numRecords
  expect(stats('{"numRecords":5}')).toBe(5)
  expect(stats('{"numRecords":"5"}')).toBeUndefined()
  expect(stats('{"numRecords":NaN}')).toBeUndefined()
})

it('reads a commit of any length as it reads a short one', () => {
  const lines = Array.from({ length: 9000 }, (_, index) => JSON.stringify(add(`ä-${index}-\u2028`, { stats: 'é'.repeat(100) })))
  const text = `\ufeff${lines.join('\n')}\n\n`
  const bytes = new TextEncoder().encode(text)
  expect(bytes.length).toBeGreaterThan(1 << 20)
  expect([...parseActions({ version: 3, bytes })]).toEqual(lines.map((line) => JSON.parse(line)))
  const broken = new TextEncoder().encode(`${text}{"add":`)
  expect(() => [...parseActions({ version: 3, bytes: broken })]).toThrow(
    expect.objectContaining({ code: 'LOG_CORRUPT', data: expect.objectContaining({ version: 3, line: 9002 }) }),
  )
})
