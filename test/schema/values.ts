/** Random values for columns of a type: what a row may hold, and what comes back for it. */
import fc from 'fast-check'
import { formatDecimal } from '../../src/schema/number-text.ts'
import { decimalParts } from '../../src/schema/sql-type.ts'
import type { DataType, StructField } from '../../src/schema/types.ts'

/** A value to give, and the value that is given back for it. */
export interface Sample {
  readonly given: unknown
  readonly back: unknown
}

const same = (value: unknown): Sample => ({ given: value, back: value })
const int = (bits: number) => fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
/** Every year that has four digits, to the microsecond. */
const micros = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n })
const floorMillis = (value: bigint) => new Date(Number((value - (((value % 1000n) + 1000n) % 1000n)) / 1000n))
const days = fc.integer({ min: -719_162, max: 2_932_896 })

/** Values of a primitive type that are not NULL. */
export function present(type: DataType): fc.Arbitrary<Sample> {
  switch (type) {
    case 'string':
      return fc.string({ unit: 'binary' }).map(same)
    case 'long':
      return fc.oneof(
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(same),
        fc.maxSafeInteger().map((given) => ({ given, back: BigInt(given) })),
      )
    case 'integer':
      return int(32).map(same)
    case 'short':
      return int(16).map(same)
    case 'byte':
      return int(8).map(same)
    case 'double':
      return fc.double().map(same)
    case 'float':
      return fc.float().map(same)
    case 'boolean':
      return fc.boolean().map(same)
    case 'binary':
      return fc.uint8Array().map(same)
    case 'date':
      return days.map((day) => same(new Date(day * 86_400_000)))
    case 'timestamp':
    case 'timestamp_ntz':
      return fc.oneof(
        micros.map((given) => ({ given, back: floorMillis(given) })),
        micros.map((given) => same(floorMillis(given))),
        micros.map((given) => ({ given: floorMillis(given).toISOString(), back: floorMillis(given) })),
      )
    default: {
      const decimal = decimalParts(type)
      if (decimal !== undefined) {
        const limit = 10n ** BigInt(decimal.precision) - 1n
        return fc.bigInt({ min: -limit, max: limit }).map((unscaled) => same(formatDecimal(unscaled, decimal.scale)))
      }
      if (typeof type === 'string') throw new RangeError(type)
      return nested(type)
    }
  }
}

/** Values of a column: with NULLs where it takes them. */
function column(type: DataType, nullable: boolean): fc.Arbitrary<Sample> {
  if (type === 'void') return fc.constant(same(null))
  return nullable
    ? fc.oneof(
        { weight: 1, arbitrary: fc.constantFrom(same(null), { given: undefined, back: null }) },
        { weight: 4, arbitrary: present(type) },
      )
    : present(type)
}

/** Rows of these fields. */
export function record(fields: readonly StructField[]): fc.Arbitrary<Sample> {
  return fc.tuple(...fields.map((field) => column(field.type, field.nullable))).map((samples) => ({
    given: object(
      fields,
      samples.map((sample) => sample.given),
    ),
    back: object(
      fields,
      samples.map((sample) => sample.back),
    ),
  }))
}

function nested(type: Exclude<DataType, string>): fc.Arbitrary<Sample> {
  if (type.type === 'struct') return record(type.fields)
  if (type.type === 'array') {
    return fc.array(column(type.elementType, type.containsNull), { maxLength: 4 }).map((samples) => ({
      given: samples.map((sample) => sample.given),
      back: samples.map((sample) => sample.back),
    }))
  }
  const entry = fc.tuple(present(type.keyType), column(type.valueType, type.valueContainsNull))
  const key = ([sample]: [Sample, Sample]) =>
    JSON.stringify(sample.back, (_name, value) =>
      typeof value === 'bigint'
        ? `${value}n`
        : Object.is(value, -0)
          ? '-0'
          : Number.isNaN(value)
            ? 'NaN'
            : value === Infinity
              ? 'inf'
              : value === -Infinity
                ? '-inf'
                : value,
    )
  return fc.uniqueArray(entry, { maxLength: 4, selector: key }).map((entries) => ({
    given: new Map(entries.map(([from, to]) => [from.given, to.given])),
    back: new Map(entries.map(([from, to]) => [from.back, to.back])),
  }))
}

function object(fields: readonly StructField[], values: readonly unknown[]): object {
  return Object.fromEntries(fields.map((field, index) => [field.name, values[index]]))
}
