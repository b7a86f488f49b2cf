import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalPath, commitKey, decodePath, encodePath, parseLogName } from '../../src/log/paths.ts'

const key = fc
  .array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.map((part) => part.replaceAll('/', '_').replaceAll('\0', '_')))
  .filter((parts) => parts.every((part) => part !== '.' && part !== '..') && !/^file:/i.test(parts.join('/')))
  .filter((parts) => !/^[a-z][a-z0-9+.-]*:$/i.test(parts[0]!))
  .map((parts) => parts.join('/'))

test('a key survives the spelling of the log', () => {
  fc.assert(
    fc.property(key, (each) => {
      expect(decodePath(encodePath(each))).toBe(each)
    }),
  )
})

test('a path is decoded exactly once', () => {
  expect(decodePath('x=A%252FA/part-1.parquet')).toBe('x=A%2FA/part-1.parquet')
  expect(decodePath('a%20b+c/%C3%BC.parquet')).toBe('a b+c/ü.parquet')
  expect(decodePath('100%/part%zz.parquet')).toBe('100%/part%zz.parquet')
})

test('spellings of an absolute path are one file', () => {
  for (const spelling of ['/data/x.parquet', 'file:/data/x.parquet', 'file:///data/x.parquet'])
    expect(decodePath(spelling)).toBe('/data/x.parquet')
})

test.each(['../../etc/passwd', 'a/%2e%2e/%2e%2e/etc/passwd', 's3://bucket/x.parquet', 'a\0b', ''])('%j is refused', (path) => {
  expect(() => decodePath(path)).toThrow(expect.objectContaining({ code: 'PATH_OUTSIDE_ROOT' }))
})

test('a path is put in its plainest form', () => {
  expect(canonicalPath('./a//b/./c.parquet')).toBe('a/b/c.parquet')
})

test('names of the log are told from strangers', () => {
  expect(parseLogName('00000000000000000007.json')).toEqual({ kind: 'commit', version: 7 })
  expect(parseLogName('00000000000000000007.checkpoint.0000000002.0000000003.parquet')).toMatchObject({ form: 'parts', part: 2, of: 3 })
  expect(parseLogName('00000000000000000003.00000000000000000009.compacted.json')).toEqual({ kind: 'compaction', version: 3, end: 9 })
  for (const stranger of [
    '00007.json',
    '.tmp',
    '00000000000000000007.json.tmp',
    '00000000000000000007.checkpoint.json',
    '_last_checkpoint',
  ]) {
    expect(parseLogName(stranger)).toBeUndefined()
  }
  expect(commitKey(12)).toBe('_delta_log/00000000000000000012.json')
})
