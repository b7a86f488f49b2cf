import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sameType } from '../../../src/schema/compare.ts'
import { mergeSchemas } from '../../../src/schema/evolve/merge-schemas.ts'
import { field, struct } from '../../../src/schema/schema-json.ts'
import type { DataType } from '../../../src/schema/types.ts'
import { schemas } from '../arbitrary.ts'

it('adds new columns at the end, nullable and without metadata, inside nested types too', () => {
  const table = struct(
    field('id', 'long', false, { comment: 'key' }),
    field('s', struct(field('a', 'string')), false),
    field('l', { type: 'array', elementType: struct(field('x', 'date')), containsNull: false }),
  )
  const source = struct(
    field('new', struct(field('inner', 'byte', false, { 'delta.columnMapping.id': 4 })), false, { 'delta.columnMapping.id': 3 }),
    field(
      'S',
      struct(field('b', { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: false }, false), field('A', 'string')),
    ),
    field('L', { type: 'array', elementType: struct(field('y', 'long', false)), containsNull: true }),
  )
  expect(mergeSchemas(table, source)).toEqual(
    struct(
      field('id', 'long', false, { comment: 'key' }),
      field(
        's',
        struct(field('a', 'string'), field('b', { type: 'map', keyType: 'string', valueType: 'long', valueContainsNull: true })),
        false,
      ),
      field('l', { type: 'array', elementType: struct(field('x', 'date'), field('y', 'long')), containsNull: false }),
      field('new', struct(field('inner', 'byte'))),
    ),
  )
})

it('gives the table itself back where nothing is new', () => {
  const table = struct(
    field('id', 'integer'),
    field('m', { type: 'map', keyType: 'string', valueType: struct(field('x', 'short')), valueContainsNull: true }),
  )
  const narrower = struct(
    field('ID', 'long'),
    field('m', { type: 'map', keyType: 'string', valueType: struct(field('X', 'void')), valueContainsNull: true }),
  )
  expect(mergeSchemas(table, narrower)).toBe(table)
  fc.assert(fc.property(schemas, (schema) => mergeSchemas(schema, schema) === schema))
})

it('gives a void column the type that comes', () => {
  expect(mergeSchemas(struct(field('v', 'void')), struct(field('v', struct(field('x', 'long', false)))))).toEqual(
    struct(field('v', struct(field('x', 'long')))),
  )
})

it.each<[DataType, DataType, string, string]>([
  ['string', 'long', 'VARCHAR', 'BIGINT'],
  ['binary', 'string', 'BLOB', 'VARCHAR'],
  ['date', 'long', 'DATE', 'BIGINT'],
  [struct(field('a', 'long')), 'long', 'STRUCT(a BIGINT)', 'BIGINT'],
  [{ type: 'array', elementType: 'long', containsNull: true }, struct(field('odd name', 'long')), 'BIGINT[]', 'STRUCT("odd name" BIGINT)'],
])('refuses %o for what is %o', (ours, theirs, first, second) => {
  const merge = () => mergeSchemas(struct(field('s', struct(field('c', ours)))), struct(field('s', struct(field('c', theirs)))))
  expect(merge).toThrow(expect.objectContaining({ code: 'TYPE_MISMATCH', data: { column: 's.c', types: [first, second] } }))
})

it('compares types by all but metadata', () => {
  const one = struct(field('a', 'long', true, { comment: 'x' }))
  expect(sameType(one, struct(field('a', 'long')))).toBe(true)
  expect(sameType(one, struct(field('a', 'long', false)))).toBe(false)
  expect(sameType(one, struct(field('a', 'long', false)), { ignoreNullability: true })).toBe(true)
  expect(sameType(one, struct(field('A', 'long')))).toBe(false)
  expect(sameType(one, struct(field('a', 'long'), field('b', 'long')))).toBe(false)
  fc.assert(
    fc.property(
      schemas,
      schemas,
      (first, second) => sameType(first, first) && sameType(first, second) === (JSON.stringify(first) === JSON.stringify(second)),
    ),
  )
})
