/** Random schemas and the values their columns hold, for property tests. */
import fc from 'fast-check'
import { decimalType } from '../../src/schema/sql-type.ts'
import type { DataType, PrimitiveType, StructField, StructType } from '../../src/schema/types.ts'

const oddNames = [
  '__proto__',
  'constructor',
  'a.b',
  '`tick`',
  '"quoted"',
  'line\nbreak',
  '🚀',
  'toString',
  'length',
  ' ',
  'x"; DROP TABLE t; --',
]

/** Names of columns: plain ones and odd ones, never equal but for case within one struct. */
const names = (count: number) =>
  fc.uniqueArray(fc.oneof(fc.constantFrom(...oddNames), fc.stringMatching(/^[a-z_]{1,8}$/)), {
    minLength: count,
    maxLength: count,
    selector: (name) => name.toLowerCase(),
  })

/** Decimal types of every precision. */
export const decimals = fc
  .integer({ min: 1, max: 38 })
  .chain((precision) => fc.integer({ min: 0, max: precision }).map((scale) => decimalType(precision, scale)))

/** Every primitive type that rows can carry a value of. */
const primitives: fc.Arbitrary<PrimitiveType> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom<PrimitiveType>(
      'string',
      'long',
      'integer',
      'short',
      'byte',
      'float',
      'double',
      'boolean',
      'binary',
      'date',
      'timestamp',
      'timestamp_ntz',
    ),
  },
  { weight: 1, arbitrary: decimals },
)

const types: fc.Arbitrary<DataType> = fc.letrec<{ type: DataType; struct: StructType }>((tie) => ({
  struct: fc
    .array(fc.record({ type: tie('type'), nullable: fc.boolean() }), { minLength: 1, maxLength: 4 })
    .chain((fields) =>
      names(fields.length).map((all) => structOf(fields.map((each, index) => ({ ...each, name: all[index]!, metadata: {} })))),
    ),
  type: fc.oneof(
    { maxDepth: 2, depthSize: 'small' },
    { weight: 5, arbitrary: primitives },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('array' as const), elementType: tie('type'), containsNull: fc.boolean() }) },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('map' as const),
        keyType: primitives,
        valueType: tie('type'),
        valueContainsNull: fc.boolean(),
      }),
    },
    { weight: 1, arbitrary: tie('struct') },
  ),
})).type

/** Schemas with nested types and odd names. */
export const schemas: fc.Arbitrary<StructType> = fc
  .array(fc.record({ type: types, nullable: fc.boolean() }), { minLength: 1, maxLength: 5 })
  .chain((fields) =>
    names(fields.length).map((all) => structOf(fields.map((each, index) => ({ ...each, name: all[index]!, metadata: {} })))),
  )

function structOf(fields: readonly StructField[]): StructType {
  return { type: 'struct', fields }
}
