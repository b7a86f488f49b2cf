import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkSchema, field, parseSchema, struct, writeSchema } from '../../src/schema/schema-json.ts'
import { schemas } from './arbitrary.ts'

const text = (type: string) => `{"type":"struct","fields":[{"name":"c","type":${type},"nullable":true,"metadata":{}}]}`

describe('parseSchema and writeSchema', () => {
  it('give back every schema', () => {
    fc.assert(
      fc.property(schemas, (schema) => {
        expect(parseSchema(writeSchema(schema))).toEqual(schema)
      }),
    )
  })

  it('keep unknown metadata and unknown keys to the letter', () => {
    const kept =
      '{"type":"struct","fields":[{"name":"__proto__","type":{"type":"array","elementType":"decimal(38,18)","containsNull":false,"new":[1]},"nullable":false,' +
      '"metadata":{"delta.identity.start":9223372036854775807,"delta.columnMapping.id":3,"ml":{"min":1.0,"max":1e3},"__proto__":{"x":null},"comment":"a\\nb"}}]}'
    expect(writeSchema(parseSchema(kept))).toBe(kept)
    expect(parseSchema(kept).fields[0]!.metadata['delta.identity.start']).toBe(9223372036854775807n)
    expect(parseSchema(kept).fields[0]!.metadata['delta.columnMapping.id']).toBe(3)
  })

  it('read what older writers spell differently', () => {
    expect(parseSchema(text('"decimal"')).fields[0]!.type).toBe('decimal(10,0)')
    expect(parseSchema(text('"decimal( 5 , 2 )"')).fields[0]!.type).toBe('decimal(5,2)')
    expect(parseSchema(text('"null"')).fields[0]!.type).toBe('void')
    expect(parseSchema('{"type":"struct","fields":[{"name":"c","type":"long"}]}').fields[0]).toEqual(field('c', 'long'))
  })

  it.each([
    '{',
    '[]',
    '"long"',
    '{"type":"struct"}',
    '{"type":"struct","fields":[{"type":"long"}]}',
    text('"decimal(39,0)"'),
    text('"decimal(3,4)"'),
    text('null'),
  ])('say LOG_CORRUPT for %s', (corrupt) => {
    expect(() => parseSchema(corrupt)).toThrow(expect.objectContaining({ code: 'LOG_CORRUPT' }))
  })

  it('name a type that is not known, and its column', () => {
    const nested = text('{"type":"array","elementType":"geometry(4326)","containsNull":true}')
    expect(() => parseSchema(nested)).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_TYPE', data: { column: 'c.element', type: 'geometry(4326)' } }),
    )
    expect(() => parseSchema(text('{"type":"udt"}'))).toThrow(expect.objectContaining({ code: 'UNSUPPORTED_TYPE' }))
  })
})

describe('checkSchema', () => {
  const inner = struct(field('x', 'long'), field('X', 'string'))

  it('takes odd names', () => {
    checkSchema(struct(field('__proto__', 'long'), field('a.b', 'string'), field('x"; DROP TABLE t; --', 'date')), ['a.b', '__proto__'])
  })

  it.each([
    ['names that differ in case', struct(field('Id', 'long'), field('ID', 'long')), [], 'DUPLICATE_COLUMN'],
    ['such names in a struct', struct(field('s', inner)), [], 'DUPLICATE_COLUMN'],
    ['such names in an array', struct(field('s', { type: 'array', elementType: inner, containsNull: true })), [], 'DUPLICATE_COLUMN'],
    [
      'such names in a map',
      struct(field('s', { type: 'map', keyType: 'long', valueType: inner, valueContainsNull: true })),
      [],
      'DUPLICATE_COLUMN',
    ],
    ['NUL', struct(field('a\0', 'long')), [], 'INVALID_SCHEMA'],
    ['an empty name', struct(field('', 'long')), [], 'INVALID_SCHEMA'],
    ['half a surrogate pair', struct(field('\ud83d', 'long')), [], 'INVALID_SCHEMA'],
    ['no columns', struct(), [], 'INVALID_SCHEMA'],
    ['a partition column that is missing', struct(field('a', 'long'), field('b', 'long')), ['c'], 'UNKNOWN_COLUMN'],
    ['a partition column named twice', struct(field('a', 'long'), field('b', 'long')), ['a', 'a'], 'DUPLICATE_COLUMN'],
    ['a nested partition column', struct(field('a', struct(field('b', 'long'))), field('b', 'long')), ['a'], 'INVALID_SCHEMA'],
    ['all columns as partition columns', struct(field('a', 'long')), ['a'], 'INVALID_SCHEMA'],
    ['a partition column that begins our folder', struct(field('_va', 'long'), field('b', 'long')), ['_va'], 'INVALID_SCHEMA'],
  ])('refuses %s', (_what, schema, partitionColumns, code) => {
    expect(() => checkSchema(schema, partitionColumns)).toThrow(expect.objectContaining({ code }))
  })
})
