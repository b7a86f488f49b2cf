/**
 * Rows as printed cells, the form of the golden tables' expected rows: what Arrow's own printers of other engines give. NULL and the
 * empty string are the empty cell, a timestamp with a zone ends in Z and one without does not, fractions have 0, 3 or 6 digits, a
 * decimal all digits of its scale, a double at least one after the point, bytes are hex, `{name: value}`, `[value, value]`, `{key: value}`.
 */
import { DataType, type RecordBatch, type Vector } from 'apache-arrow'

/** A row: a cell for each column. */
export type Cells = readonly string[]

/** The rows of Arrow batches. */
export async function printRows(batches: AsyncIterable<RecordBatch>): Promise<Cells[]> {
  const rows: Cells[] = []
  for await (const batch of batches) {
    const columns = batch.schema.fields.map((_, index) => batch.getChildAt(index)!)
    for (let row = 0; row < batch.numRows; row += 1) rows.push(columns.map((column) => cell(column, row)))
  }
  return rows
}

/** What two multisets of rows do not have in common, as text; `undefined` where they are the same. */
export function difference(actual: readonly Cells[], expected: readonly Cells[]): string | undefined {
  const [missing, surplus] = [without(expected, actual), without(actual, expected)]
  if (missing.length === 0 && surplus.length === 0) return undefined
  const some = (rows: readonly string[]) => rows.slice(0, 5).join('\n    ')
  return `${actual.length} rows beside ${expected.length}\n  missing:\n    ${some(missing)}\n  not expected:\n    ${some(surplus)}`
}

/** The rows of the first multiset that the second lacks, as JSON. */
export function without(rows: readonly Cells[], others: readonly Cells[]): string[] {
  const left = new Map<string, number>()
  for (const row of others) left.set(JSON.stringify(row), (left.get(JSON.stringify(row)) ?? 0) + 1)
  return rows
    .map((row) => JSON.stringify(row))
    .filter((row) => {
      const count = left.get(row) ?? 0
      left.set(row, count - 1)
      return count <= 0
    })
}

function cell(vector: Vector, index: number): string {
  if (!vector.isValid(index)) return ''
  const type: DataType = vector.type
  if (DataType.isStruct(type)) {
    return `{${type.children.map((field, child) => `${field.name}: ${cell(vector.getChildAt(child)!, index)}`).join(', ')}}`
  }
  if (DataType.isMap(type)) {
    const entry = (child: Vector, at: number) => `${cell(child.getChildAt(0)!, at)}: ${cell(child.getChildAt(1)!, at)}`
    return `{${elements(vector, index, entry).join(', ')}}`
  }
  if (DataType.isList(type)) return `[${elements(vector, index, cell).join(', ')}]`
  return plain(type, vector, index)
}

// Offsets are read rather than `vector.get`, whose rows of structs and maps lose duplicate names and 64-bit keys.
function elements(vector: Vector, index: number, print: (child: Vector, at: number) => string): string[] {
  const [data, second] = vector.data
  if (data === undefined || second !== undefined) throw new Error('a column of a batch is one chunk')
  const offsets: Int32Array = data.valueOffsets
  const [start, end] = [offsets[index]!, offsets[index + 1]!]
  return Array.from({ length: end - start }, (_, at) => print(vector.getChildAt(0)!, start + at))
}

function plain(type: DataType, vector: Vector, index: number): string {
  const value: unknown = vector.get(index)
  const raw = vector.data[0]!.values as Int32Array | BigInt64Array
  if (DataType.isNull(type)) return ''
  if (DataType.isBool(type) || DataType.isInt(type) || DataType.isUtf8(type)) return String(value)
  if (DataType.isFloat(type)) return floating(Number(value), type.precision === 1)
  if (DataType.isDecimal(type)) return decimal(value as Uint32Array, type.scale)
  if (DataType.isBinary(type)) return Buffer.from(value as Uint8Array).toString('hex')
  if (DataType.isDate(type)) return day(BigInt(raw[index]!))
  if (DataType.isTimestamp(type)) return instant(BigInt(raw[index]!)) + (type.timezone ? 'Z' : '')
  throw new Error(`no cell for ${type}`)
}

function floating(value: number, single: boolean): string {
  let text = String(value)
  if (single)
    for (let digits = 9; digits > 0 && Math.fround(Number(value.toPrecision(digits))) === value; digits -= 1)
      text = String(Number(value.toPrecision(digits)))
  return Number.isInteger(value) ? `${text}.0` : text
}

function decimal(words: Uint32Array, scale: number): string {
  const bits = 32 * words.length
  const unscaled = BigInt.asIntN(
    bits,
    words.reduceRight((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n),
  )
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return unscaled < 0n ? `-${text}` : text
}

function day(days: bigint): string {
  return new Date(Number(days) * 86_400_000).toISOString().slice(0, -14)
}

function instant(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n
  const seconds = new Date(Number((micros - fraction) / 1000n)).toISOString().slice(0, -5)
  if (fraction === 0n) return seconds
  const digits = String(fraction).padStart(6, '0')
  return `${seconds}.${digits.endsWith('000') ? digits.slice(0, 3) : digits}`
}
