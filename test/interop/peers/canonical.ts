/**
 * Rows in a canonical form that is compared as text: the twin of `canonical.py`, which says what the form is. Two results hold the
 * same rows exactly when their canonical rows, sorted, are equal; {@link sameRows} says so or shows the first difference.
 */
import { DataType, type RecordBatch, type Vector } from 'apache-arrow'

/** A value: null, text with its kind in front, or an array of such whose first element names the kind of nesting. */
export type Canonical = null | string | readonly Canonical[]

/** A row: pairs of column name and value, in the order of the columns. */
export type CanonicalRow = readonly (readonly [name: string, value: Canonical])[]

/** The rows of Arrow batches. */
export async function canonicalRows(batches: AsyncIterable<RecordBatch> | Iterable<RecordBatch>): Promise<CanonicalRow[]> {
  const rows: CanonicalRow[] = []
  for await (const batch of batches) {
    const columns = batch.schema.fields.map((field, index) => [field.name, canonicalValues(batch.getChildAt(index)!)] as const)
    for (let row = 0; row < batch.numRows; row++) rows.push(columns.map(([name, values]) => [name, values[row]!] as const))
  }
  return rows
}

/** Throws, naming the first row that differs, unless both hold the same rows, in any order. */
export function sameRows(actual: readonly CanonicalRow[], expected: readonly CanonicalRow[], what: string): void {
  const left = actual.map((row) => JSON.stringify(row)).sort()
  const right = expected.map((row) => JSON.stringify(row)).sort()
  const length = Math.max(left.length, right.length)
  for (let row = 0; row < length; row++) {
    if (left[row] === right[row]) continue
    throw new Error(
      `${what}: ${left.length} rows beside ${right.length} expected; at ${row} of the sorted rows\n  ${left[row]}\n  ${right[row]} was expected`,
    )
  }
}

/** 64 bits of a double as hex, as the form spells it. */
function float64(value: number): string {
  if (Number.isNaN(value)) return 'f64:NaN'
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return `f64:${view.getBigUint64(0).toString(16).padStart(16, '0')}`
}

/** 32 bits of a float as hex, as the form spells it. */
function float32(value: number): string {
  if (Number.isNaN(value)) return 'f32:NaN'
  const view = new DataView(new ArrayBuffer(4))
  view.setFloat32(0, value)
  return `f32:${view.getUint32(0).toString(16).padStart(8, '0')}`
}

function canonicalValues(vector: Vector): Canonical[] {
  return Array.from({ length: vector.length }, (_, index) => canonicalAt(vector, index))
}

function canonicalAt(vector: Vector, index: number): Canonical {
  if (!vector.isValid(index)) return null
  const type: DataType = vector.type
  if (DataType.isStruct(type)) {
    return ['struct', ...type.children.map((field, child) => [field.name, canonicalAt(vector.getChildAt(child)!, index)])]
  }
  if (DataType.isMap(type)) {
    const { child, start, end } = listSlice(vector, index)
    const pairs: Canonical[][] = []
    for (let at = start; at < end; at++) pairs.push([canonicalAt(child.getChildAt(0)!, at), canonicalAt(child.getChildAt(1)!, at)])
    const byKey = (pair: Canonical[]): string => JSON.stringify(pair[0])
    return ['map', ...pairs.sort((a, b) => (byKey(a) < byKey(b) ? -1 : 1))]
  }
  if (DataType.isList(type)) {
    const { child, start, end } = listSlice(vector, index)
    return ['array', ...Array.from({ length: end - start }, (_, at) => canonicalAt(child, start + at))]
  }
  return scalar(type, vector, index)
}

// Offsets are read rather than `vector.get`, whose rows of structs and maps lose duplicate names and 64-bit keys.
function listSlice(vector: Vector, index: number): { child: Vector; start: number; end: number } {
  if (vector.data.length !== 1) throw new Error('a list of several chunks has no single child')
  const [data] = vector.data
  const offsets: Int32Array = data!.valueOffsets
  return { child: vector.getChildAt(0)!, start: offsets[index]!, end: offsets[index + 1]! }
}

function scalar(type: DataType, vector: Vector, index: number): Canonical {
  const value: unknown = vector.get(index)
  if (DataType.isBool(type)) return `bool:${value}`
  if (DataType.isInt(type)) return `int:${value}`
  if (DataType.isFloat(type)) return type.precision === 1 ? float32(Number(value)) : float64(Number(value))
  if (DataType.isDecimal(type)) return `dec:${decimalText(value as Uint32Array, type.scale)}`
  if (DataType.isUtf8(type) || DataType.isLargeUtf8(type)) return `str:${value}`
  if (DataType.isBinary(type) || DataType.isLargeBinary(type)) return `bin:${Buffer.from(value as Uint8Array).toString('hex')}`
  const [data] = vector.data
  if (DataType.isDate(type)) return `date:${(data!.values as Int32Array)[index]}`
  if (DataType.isTimestamp(type)) return `${type.timezone ? 'ts' : 'ntz'}:${(data!.values as BigInt64Array)[index]}`
  if (DataType.isNull(type)) return null
  throw new Error(`no canonical form for ${type}`)
}

function decimalText(words: Uint32Array, scale: number): string {
  let unscaled = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n)
  if (unscaled >= 1n << (32n * BigInt(words.length) - 1n)) unscaled -= 1n << (32n * BigInt(words.length))
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return unscaled < 0n ? `-${text}` : text
}
