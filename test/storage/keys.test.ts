import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkKey, compareKeys, sortKeys } from '../../src/storage/index.ts'

const bytewise = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('a', 'é', '\ud7ff', '\ue000', '\uffff', '😀', '\u{10ffff}') }),
)

test('keys are ordered as their UTF-8 bytes', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(Math.sign(compareKeys(a, b))).toBe(bytewise(a, b))
    }),
  )
  fc.assert(
    fc.property(fc.array(text), (keys) => {
      expect(sortKeys([...keys])).toEqual(keys.toSorted(bytewise))
    }),
  )
  expect(['😀', '\uffee'].toSorted(compareKeys)).toEqual(['\uffee', '😀'])
})

test('a key is what every store can hold', () => {
  for (const key of ['a', 'a/b', '_delta_log/00000000000000000000.json', 'x=%2F/ä', '...', '.a', 'a..', 'x'.repeat(255), 'é'.repeat(127)])
    checkKey(key)
  for (const key of [
    '',
    '/',
    'a//b',
    'a/',
    '/a',
    '.',
    '..',
    'a/..',
    'a\\b',
    'a\tb',
    '\udc00',
    'x'.repeat(256),
    'é'.repeat(128),
    '漢'.repeat(86),
  ]) {
    expect(() => checkKey(key), JSON.stringify(key)).toThrow(expect.objectContaining({ code: 'INVALID_KEY' }))
  }
})

test('the root counts towards 900 bytes', () => {
  const key = (bytes: number): string => 'a/'.repeat(bytes / 2).slice(0, -1)
  checkKey(key(880), 20)
  expect(() => checkKey(key(880), 30)).toThrow(/900 bytes/)
})
