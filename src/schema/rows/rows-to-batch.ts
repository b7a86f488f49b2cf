/**
 * Rows into an Arrow batch, a column at a time, straight into the typed arrays that Arrow lays down: rows -> values of each column
 * -> buffers. Nested types take their children's values out first and go the same way.
 */
import * as arrow from 'apache-arrow'
import { ValueError } from '../../errors/index.ts'
import { toArrowSchema } from '../arrow.ts'
import { decimalParts } from '../sql-type.ts'
import type { ArrayType, DataType, MapType, StructField, StructType } from '../types.ts'
import { refusal, toBytes, toDays, toDecimal, toDouble, toFloat, toInteger, toLong, toMicros } from './coerce.ts'
import { checkRecord, columnsOf, isRecord, type RecordLike, type Row } from './row-objects.ts'
import { packText } from './text-buffer.ts'

/** Where values stand, for messages. */
interface Place {
  readonly column: string
  /** The row that the value at an index belongs to. */
  readonly rowAt: (index: number) => number
}

const variantFields: readonly StructField[] = ['metadata', 'value'].map((name) => ({ name, type: 'binary', nullable: false, metadata: {} }))
const arrowSchemas = new WeakMap<StructType, arrow.Schema>()

/**
 * Makes a batch of the rows, with the Arrow types of `toArrowSchema(schema)`. What each type takes: see rows.ts.
 * @param firstRow The number of the first row in messages and error data. Default 1.
 * @throws ValueError `INVALID_VALUE`, `VALUE_OUT_OF_RANGE`, `NOT_NULL_VIOLATED` naming column and row
 * @throws SchemaError `UNKNOWN_COLUMN`, `DUPLICATE_COLUMN`
 */
export function rowsToBatch(rows: readonly Row[], schema: StructType, firstRow = 1): arrow.RecordBatch {
  const arrowSchema = arrowSchemas.get(schema) ?? toArrowSchema(schema)
  arrowSchemas.set(schema, arrowSchema)
  const rowAt = (index: number) => index + firstRow
  const records = rows.map((row, index) => checkRecord(row, rowAt(index)))
  const children = childrenOf(records, schema.fields, '', rowAt, arrowSchema.fields)
  const data = arrow.makeData({ type: new arrow.Struct(arrowSchema.fields), length: rows.length, nullCount: 0, children })
  return new arrow.RecordBatch(arrowSchema, data)
}

function childrenOf(
  records: readonly (RecordLike | null)[],
  fields: readonly StructField[],
  parent: string,
  rowAt: (index: number) => number,
  arrowFields: readonly arrow.Field[],
): arrow.Data[] {
  const columns = columnsOf(records, fields, parent, rowAt)
  return fields.map((field, index) => {
    const place = { column: parent + field.name, rowAt }
    const values = columns[index]!
    if (!field.nullable && field.type !== 'void') requireAll(values, field.type, place, (row) => records[row] !== null)
    return columnData(values, field.type, arrowFields[index]!.type, place)
  })
}

/** The buffers of one column. `values` holds null or undefined for NULL. */
function columnData(values: readonly unknown[], type: DataType, arrowType: arrow.DataType, place: Place): arrow.Data {
  if (typeof type !== 'string') {
    if (type.type === 'array') return listData(values, type, arrowType, place)
    return type.type === 'map' ? mapData(values, type, arrowType, place) : structData(values, type, type.fields, arrowType, place)
  }
  const fixed = fixedWidth[type]
  if (fixed !== undefined) {
    const data = fixed.make(values.length)
    each(values, type, place, fixed.convert, (value, index) => {
      data[index] = value
    })
    return make(arrowType, values, { data })
  }
  switch (type) {
    case 'string': {
      const { offsets, bytes } = packText(values, (index) =>
        refusal(values[index], type, { column: place.column, row: place.rowAt(index) }),
      )
      return make(arrowType, values, { valueOffsets: offsets, data: bytes })
    }
    case 'binary':
      return binaryData(values, arrowType, place)
    case 'boolean': {
      const data = new Uint8Array((values.length + 7) >> 3)
      each(values, type, place, toBoolean, (value, index) => {
        if (value) data[index >> 3]! |= 1 << (index & 7)
      })
      return make(arrowType, values, { data })
    }
    case 'variant':
      return structData(values, type, variantFields, arrowType, place)
    case 'void':
      each(
        values,
        type,
        place,
        () => undefined,
        () => {},
      )
      return arrow.makeData({ type: arrowType as arrow.Null, length: values.length })
    default:
      return decimalData(values, type, arrowType, place)
  }
}

/** A typed array to be filled; whether it takes numbers or bigints is known where it is made. */
type Filled = Record<number, number | bigint>

const fixedWidth: Readonly<Record<string, { make: (length: number) => Filled; convert: (value: unknown) => number | bigint | undefined }>> =
  {
    long: { make: bigints, convert: toLong },
    integer: { make: (length) => new Int32Array(length) as Filled, convert: (value) => toInteger(value, 32) },
    short: { make: (length) => new Int16Array(length) as Filled, convert: (value) => toInteger(value, 16) },
    byte: { make: (length) => new Int8Array(length) as Filled, convert: (value) => toInteger(value, 8) },
    double: { make: (length) => new Float64Array(length) as Filled, convert: toDouble },
    float: { make: (length) => new Float32Array(length) as Filled, convert: toFloat },
    date: { make: (length) => new Int32Array(length) as Filled, convert: toDays },
    timestamp: { make: bigints, convert: (value) => toMicros(value, true) },
    timestamp_ntz: { make: bigints, convert: (value) => toMicros(value, false) },
  }

function bigints(length: number): Filled {
  return new BigInt64Array(length) as unknown as Filled
}

/** Element types whose typed array can be copied as a whole: embeddings come so. */
const wholesale: Readonly<Record<string, string>> = {
  long: 'BigInt64Array',
  integer: 'Int32Array',
  short: 'Int16Array',
  byte: 'Int8Array',
  double: 'Float64Array',
  float: 'Float32Array',
}

function listData(values: readonly unknown[], type: ArrayType, arrowType: arrow.DataType, place: Place): arrow.Data {
  const offsets = new Int32Array(values.length + 1)
  let total = 0
  const { elementType } = type
  let copied = typeof elementType === 'string' && elementType in wholesale
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (value !== null && value !== undefined) {
      if (!isList(value)) throw refusal(value, type, { column: place.column, row: place.rowAt(index) })
      copied &&= kindOf(value) === wholesale[elementType as string]
      total += value.length
    }
    offsets[index + 1] = total
  }
  const inner = insidePlace(place, 'element', offsets)
  const elementArrowType = arrowType.children[0]!.type
  let child: arrow.Data
  if (copied) {
    const data = fixedWidth[elementType as string]!.make(total) as unknown as Float64Array
    for (let index = 0; index < values.length; index++)
      if (offsets[index] !== offsets[index + 1]) data.set(values[index] as Float64Array, offsets[index])
    child = arrow.makeData({ type: elementArrowType as arrow.Float64, length: total, nullCount: 0, data })
  } else {
    const elements: unknown[] = new Array(total)
    let next = 0
    for (const value of values) {
      if (value === null || value === undefined) continue
      const list = value as ArrayLike<unknown>
      for (let index = 0; index < list.length; index++) elements[next++] = list[index]
    }
    if (!type.containsNull) requireAll(elements, elementType, inner)
    child = columnData(elements, elementType, elementArrowType, inner)
  }
  return make(arrowType, values, { valueOffsets: offsets, child })
}

function mapData(values: readonly unknown[], type: MapType, arrowType: arrow.DataType, place: Place): arrow.Data {
  const offsets = new Int32Array(values.length + 1)
  const keys: unknown[] = []
  const items: unknown[] = []
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (value !== null && value !== undefined) {
      const entries = entriesOf(value, type)
      if (entries === undefined) throw refusal(value, type, { column: place.column, row: place.rowAt(index) })
      for (const [key, item] of entries) {
        keys.push(key)
        items.push(item)
      }
    }
    offsets[index + 1] = keys.length
  }
  const [keyPlace, valuePlace] = [insidePlace(place, 'key', offsets), insidePlace(place, 'value', offsets)]
  requireAll(keys, type.keyType, keyPlace)
  if (!type.valueContainsNull) requireAll(items, type.valueType, valuePlace)
  const entryType = arrowType.children[0]!.type as arrow.Struct
  const children = [
    columnData(keys, type.keyType, entryType.children[0]!.type, keyPlace),
    columnData(items, type.valueType, entryType.children[1]!.type, valuePlace),
  ]
  const child = arrow.makeData({ type: entryType, length: keys.length, nullCount: 0, children })
  return make(arrowType, values, { valueOffsets: offsets, child })
}

function structData(
  values: readonly unknown[],
  type: DataType,
  fields: readonly StructField[],
  arrowType: arrow.DataType,
  place: Place,
): arrow.Data {
  const records = values.map((value, index) => {
    if (value === null || value === undefined) return null
    if (!isRecord(value)) throw refusal(value, type, { column: place.column, row: place.rowAt(index) })
    return value
  })
  return make(arrowType, values, { children: childrenOf(records, fields, `${place.column}.`, place.rowAt, arrowType.children) })
}

function binaryData(values: readonly unknown[], arrowType: arrow.DataType, place: Place): arrow.Data {
  const offsets = new Int32Array(values.length + 1)
  const parts: Uint8Array[] = []
  let total = 0
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (value !== null && value !== undefined) {
      const bytes = toBytes(value)
      if (bytes === undefined) throw refusal(value, 'binary', { column: place.column, row: place.rowAt(index) })
      parts.push(bytes)
      total += bytes.length
      if (total > 0x7fffffff) throw tooLarge(place.column)
    }
    offsets[index + 1] = total
  }
  return make(arrowType, values, { valueOffsets: offsets, data: Buffer.concat(parts, total) })
}

function decimalData(values: readonly unknown[], type: DataType, arrowType: arrow.DataType, place: Place): arrow.Data {
  const { precision, scale } = decimalParts(type)!
  const halves = new BigUint64Array(values.length * 2)
  each(
    values,
    type,
    place,
    (value) => toDecimal(value, precision, scale),
    (unscaled, index) => {
      halves[index * 2] = BigInt.asUintN(64, unscaled)
      halves[index * 2 + 1] = BigInt.asUintN(64, unscaled >> 64n)
    },
  )
  return make(arrowType, values, { data: new Uint32Array(halves.buffer) })
}

/** Converts every value that is not NULL and puts it in its place. */
function each<T>(
  values: readonly unknown[],
  type: DataType,
  place: Place,
  convert: (value: unknown) => T | undefined,
  put: (value: T, index: number) => void,
): void {
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    if (value === null || value === undefined) continue
    const converted = convert(value)
    if (converted === undefined) throw refusal(value, type, { column: place.column, row: place.rowAt(index) })
    put(converted, index)
  }
}

function make(type: arrow.DataType, values: readonly unknown[], buffers: object): arrow.Data {
  return arrow.makeData({ type, length: values.length, ...validity(values), ...buffers } as never)
}

function validity(values: readonly unknown[]): { nullCount: number; nullBitmap?: Uint8Array } {
  let nullCount = 0
  let nullBitmap: Uint8Array | undefined
  for (let index = 0; index < values.length; index++) {
    if (values[index] !== null && values[index] !== undefined) continue
    nullBitmap ??= new Uint8Array((values.length + 7) >> 3).fill(255)
    nullBitmap[index >> 3]! &= ~(1 << (index & 7))
    nullCount += 1
  }
  return nullBitmap === undefined ? { nullCount } : { nullCount, nullBitmap }
}

function requireAll(values: readonly unknown[], type: DataType, place: Place, counts: (index: number) => boolean = () => true): void {
  const index = values.findIndex((value, at) => (value === null || value === undefined) && counts(at))
  if (index >= 0) throw refusal(null, type, { column: place.column, row: place.rowAt(index) })
}

/** The place of values inside lists or maps: an element's row is that of the list around it. */
function insidePlace(place: Place, name: string, offsets: Int32Array): Place {
  return { column: `${place.column}.${name}`, rowAt: (index) => place.rowAt(offsets.findIndex((end, at) => at > 0 && end > index) - 1) }
}

function entriesOf(value: unknown, type: MapType): Iterable<readonly [unknown, unknown]> | undefined {
  if (kindOf(value) === 'Map') return value as Map<unknown, unknown>
  if (Array.isArray(value)) {
    const pairs = value as unknown[]
    const distinct = new Set(pairs.map((pair) => (Array.isArray(pair) && pair.length === 2 ? pair[0] : pairs)))
    return distinct.size === pairs.length && !distinct.has(pairs) ? (pairs as [unknown, unknown][]) : undefined
  }
  return type.keyType === 'string' && isRecord(value) ? Object.entries(value) : undefined
}

function isList(value: unknown): value is ArrayLike<unknown> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && kindOf(value) !== 'DataView')
}

function kindOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

function toBoolean(value: unknown): boolean | undefined {
  return typeof value === 'boolean' ? value : undefined
}

/** The error for a column whose bytes exceed what one Arrow batch can hold. */
function tooLarge(column: string): ValueError {
  return new ValueError('VALUE_OUT_OF_RANGE', `The values of ${JSON.stringify(column)} in one batch are larger than 2 GiB.`, {
    remedy: 'Give fewer rows at a time.',
    data: { column },
  })
}
