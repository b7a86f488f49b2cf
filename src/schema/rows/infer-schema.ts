/**
 * The schema that rows have by themselves, for a table that does not exist yet. Every column is nullable; columns stand in the order
 * in which rows bring them.
 */
import { SchemaError } from '../../errors/index.ts'
import { describeType } from '../compare.ts'
import { deepest } from '../schema-json.ts'
import type { DataType, StructType } from '../types.ts'
import { isDate, type Place, show } from './coerce.ts'
import { checkRecord, isRecord, keysOf, own, type RecordLike, type Row } from './row-objects.ts'

const int64Max = 2n ** 63n - 1n

const typedArrays: Readonly<Record<string, DataType>> = {
  Int8Array: 'byte',
  Int16Array: 'short',
  Uint8ClampedArray: 'short',
  Int32Array: 'integer',
  Uint16Array: 'integer',
  Uint32Array: 'long',
  BigInt64Array: 'long',
  BigUint64Array: 'decimal(20,0)',
  Float32Array: 'float',
  Float64Array: 'double',
}

/**
 * Infers a schema. Integers are long, numbers among which one is no integer are double, bigints beyond 64 bits `decimal(38,0)`,
 * Dates timestamp, Uint8Array binary, other typed arrays arrays of their element, Maps map, other objects struct; a column without
 * any value is void.
 * @throws SchemaError `TYPE_MISMATCH` for values of two types in one column, naming both; `UNSUPPORTED_TYPE` for a value no column can hold.
 * @throws ValueError `INVALID_VALUE` for a row that is no object.
 */
export function inferSchema(rows: readonly Row[]): StructType {
  let schema: StructType = { type: 'struct', fields: [] }
  for (let index = 0; index < rows.length; index++) {
    schema = mergeRecord(schema, checkRecord(rows[index], index + 1), '', { row: index + 1, level: 0 })
  }
  return schema
}

/** Where a value stands, and how many others it is inside of. */
type ValuePlace = Place & { readonly row: number; readonly level: number }

/** Takes a record into a struct; gives the same struct back where nothing changes, which is nearly always. */
function mergeRecord(
  struct: StructType,
  record: RecordLike,
  parent: string,
  { row, level }: Pick<ValuePlace, 'row' | 'level'>,
): StructType {
  let { fields } = struct
  for (const [position, name] of keysOf(record).entries()) {
    const value = own(record, name)
    const column = parent + name
    // Rows nearly always bring their columns in one order.
    const index = fields[position]?.name === name ? position : fields.findIndex((field) => field.name === name)
    const known = fields[index]
    const type = mergeValue(known?.type ?? 'void', value, { column, row, level: level + 1 })
    if (known === undefined) fields = [...fields, { name, type, nullable: true, metadata: {} }]
    else if (type !== known.type) fields = fields.with(index, { ...known, type })
  }
  return fields === struct.fields ? struct : { type: 'struct', fields }
}

function mergeValue(known: DataType, value: unknown, place: ValuePlace): DataType {
  if (value === null || value === undefined) return known
  // No table holds what is deeper, and what holds itself has no end.
  if (place.level > deepest) throw tooDeep(place)
  const child = (name: string) => ({ ...place, column: `${place.column}.${name}`, level: place.level + 1 })
  if (Array.isArray(value)) {
    const list = isKind(known, 'array') ?? start(known, { type: 'array', elementType: 'void', containsNull: true }, place)
    let { elementType } = list
    for (const element of value) elementType = mergeValue(elementType, element, child('element'))
    return elementType === list.elementType ? list : { ...list, elementType }
  }
  const kind = typeof value === 'object' ? Object.prototype.toString.call(value).slice(8, -1) : ''
  const element = typedArrays[kind]
  if (element !== undefined) {
    const list = isKind(known, 'array') ?? start(known, { type: 'array', elementType: element, containsNull: true }, place)
    const elementType = unite(list.elementType, element, child('element'))
    return elementType === list.elementType ? list : { ...list, elementType }
  }
  if (kind === 'Map') {
    const map = isKind(known, 'map') ?? start(known, { type: 'map', keyType: 'void', valueType: 'void', valueContainsNull: true }, place)
    let { keyType, valueType } = map
    for (const [key, item] of value as Map<unknown, unknown>) {
      keyType = mergeValue(keyType, key, child('key'))
      valueType = mergeValue(valueType, item, child('value'))
    }
    return keyType === map.keyType && valueType === map.valueType ? map : { ...map, keyType, valueType }
  }
  const plain = primitiveOf(value)
  if (plain !== undefined) return unite(known, plain, place)
  if (!isRecord(value)) {
    throw new SchemaError(
      'UNSUPPORTED_TYPE',
      `Row ${place.row}, column ${JSON.stringify(place.column)}: ${show(value)} has no type that a column can be of.`,
      {
        remedy: 'Convert it to a string, a number, a Date or a plain object first.',
        data: { column: place.column, row: place.row },
      },
    )
  }
  return mergeRecord(isKind(known, 'struct') ?? start(known, { type: 'struct', fields: [] }, place), value, `${place.column}.`, place)
}

function primitiveOf(value: unknown): DataType | undefined {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'boolean'
    case 'number':
      // -0 and integers that may have lost digits are no longs.
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'long' : 'double'
    case 'bigint':
      return value <= int64Max && value >= -int64Max - 1n ? 'long' : 'decimal(38,0)'
  }
  if (isDate(value)) return 'timestamp'
  return Object.prototype.toString.call(value) === '[object Uint8Array]' ? 'binary' : undefined
}

/** The type for values of both types, where there is one: integers widen to double or to a decimal. */
function unite(known: DataType, type: DataType, place: ValuePlace): DataType {
  if (known === type || known === 'void') return type
  const wider = known === 'long' ? type : known
  const narrower = known === 'long' ? known : type
  if (narrower === 'long' && (wider === 'double' || wider === 'decimal(38,0)')) return wider
  throw mismatch(known, type, place)
}

function isKind<K extends 'array' | 'map' | 'struct'>(type: DataType, kind: K): Extract<DataType, { type: K }> | undefined {
  return typeof type !== 'string' && type.type === kind ? (type as Extract<DataType, { type: K }>) : undefined
}

function start<T extends DataType>(known: DataType, type: T, place: ValuePlace): T {
  if (known !== 'void') throw mismatch(known, type, place)
  return type
}

function mismatch(known: DataType, type: DataType, place: ValuePlace): SchemaError {
  const [first, second] = [kindName(known), kindName(type)]
  return new SchemaError(
    'TYPE_MISMATCH',
    `Row ${place.row}, column ${JSON.stringify(place.column)}: a value of the type ${second} where those before are ${first}.`,
    {
      remedy: 'Give all values of a column as one type, or create the table with a schema first.',
      data: { column: place.column, row: place.row, types: [first, second] },
    },
  )
}

function tooDeep({ column, row }: ValuePlace): SchemaError {
  const [first = ''] = column.split('.')
  return new SchemaError('UNSUPPORTED_TYPE', `Row ${row}, column ${JSON.stringify(first)}: values are nested more than ${deepest} deep.`, {
    remedy: 'Give what is deeper as JSON text; an object that holds itself cannot be a value.',
    data: { column: first, row },
  })
}

/** Nested types by their kind alone: what they hold is not known yet. */
function kindName(type: DataType): string {
  if (typeof type === 'string') return describeType(type)
  return type.type === 'array' ? 'ARRAY' : type.type.toUpperCase()
}
