/** Type widening (§Type Widening): the changes that the protocol lists, one by one, and that all others are refused. */
import { describe, expect, it } from 'vitest'
import { isWidening } from '../../../src/schema/evolve/type-changes.ts'
import { parseSchema } from '../../../src/schema/schema-json.ts'

const types = [
  'byte',
  'short',
  'integer',
  'long',
  'float',
  'double',
  'date',
  'timestamp',
  'timestamp_ntz',
  'string',
  'boolean',
  'decimal(10,0)',
]
const listed: Readonly<Record<string, readonly string[]>> = {
  byte: ['short', 'integer', 'long', 'double', 'decimal(10,0)'],
  short: ['integer', 'long', 'double', 'decimal(10,0)'],
  integer: ['long', 'double', 'decimal(10,0)'],
  float: ['double'],
  date: ['timestamp_ntz'],
}

describe('changes of a type', () => {
  it('are taken where the protocol lists them, and only there', () => {
    for (const from of types) {
      const found = types.filter((to) => to !== from && isWidening(from, to))
      expect(found, from).toEqual(types.filter((to) => listed[from]?.includes(to)))
    }
  })

  it.each([
    ['decimal(5,2)', 'decimal(6,2)', true],
    ['decimal(5,2)', 'decimal(6,3)', true],
    ['decimal(5,2)', 'decimal(5,3)', false],
    ['decimal(5,2)', 'decimal(7,1)', false],
    ['decimal(5,2)', 'decimal(4,2)', false],
    ['integer', 'decimal(11,1)', true],
    ['integer', 'decimal(10,1)', false],
    ['byte', 'decimal(4,1)', true],
    ['byte', 'decimal(3,1)', false],
    ['short', 'decimal(5,0)', true],
    ['long', 'decimal(19,0)', false],
    ['long', 'decimal(20,0)', true],
    ['long', 'decimal(22,2)', true],
    ['decimal(10,0)', 'long', false],
  ])('from %s to %s: %s', (from, to, taken) => {
    expect(isWidening(from, to)).toBe(taken)
  })

  const schema = (change: unknown, type: unknown = 'long') =>
    JSON.stringify({
      type: 'struct',
      fields: [
        {
          name: 's',
          type: { type: 'struct', fields: [{ name: 'a', type, nullable: true, metadata: { 'delta.typeChanges': change } }] },
          nullable: true,
          metadata: {},
        },
      ],
    })

  it('are found at every depth, with the paths and versions that writers add', () => {
    const change = [
      { fromType: 'short', toType: 'integer', tableVersion: 3 },
      { fromType: 'integer', toType: 'long', fieldPath: 'element' },
    ]
    expect(parseSchema(schema(change)).fields[0]?.name).toBe('s')
  })

  it.each([
    [[{ fromType: 'string', toType: 'integer' }]],
    [[{ fromType: 'long', toType: 'double' }]],
    [[{ toType: 'long' }]],
    ['what?'],
    [null],
  ])('that are unknown are refused, naming the column: %j', (change) => {
    expect(() => parseSchema(schema(change))).toThrowError(
      expect.objectContaining({ code: 'UNSUPPORTED_FEATURE', data: expect.objectContaining({ column: 's.a' }) }),
    )
  })
})
