/**
 * The text of values, exactly: 64-bit integers and decimals with all digits, timestamps in ISO 8601 with `Z` (without a zone for
 * timestamp_ntz), bytes as base64, NaN and the infinities as strings. One reader a column and batch, over Arrow's own buffers.
 */
import {
  type Data,
  type DataType,
  type Date_,
  DateUnit,
  type Decimal,
  type FixedSizeList,
  type Float,
  Precision,
  type Time,
  type Timestamp,
  TimeUnit,
  Type,
} from 'apache-arrow'

/** The value of a row, or null for NULL. */
type TextCells = (row: number) => string | null
/** The value of a row as JSON text. */
type JsonCells = (row: number) => string

/** How the values of a type are spelled, and whether JSON wants quotes around them. NULLs are not asked for. */
interface Spelling {
  readonly spell: (row: number) => string
  readonly quoted: boolean | ((text: string) => boolean)
}

/** Readers of the values of a column as plain text. Nested values are JSON. */
export function textCells(data: Data): TextCells {
  const { spell } = spelling(data)
  return (row) => (data.getValid(row) ? spell(row) : null)
}

/** Readers of the values of a column as JSON text. */
export function jsonCells(data: Data): JsonCells {
  const { spell, quoted } = spelling(data)
  if (quoted === false) return (row) => (data.getValid(row) ? spell(row) : 'null')
  if (quoted === true) return (row) => (data.getValid(row) ? JSON.stringify(spell(row)) : 'null')
  return (row) => {
    if (!data.getValid(row)) return 'null'
    const text = spell(row)
    return quoted(text) ? JSON.stringify(text) : text
  }
}

/** Are the values of this type read from right to left, as numbers are? */
export function isNumeric(type: DataType): boolean {
  return type.typeId === Type.Int || type.typeId === Type.Float || type.typeId === Type.Decimal
}

function spelling(data: Data): Spelling {
  const { values, valueOffsets } = data
  switch (data.typeId) {
    case Type.Null:
      return { spell: () => 'null', quoted: false }
    case Type.Int:
      return { spell: (row) => String(values[row]), quoted: false }
    case Type.Float:
      return {
        spell: (data.type as Float).precision === Precision.SINGLE ? (row) => single(values[row]) : (row) => double(values[row]),
        quoted: notFinite,
      }
    case Type.Bool:
      return { spell: (row) => (bit(values, data.offset + row) ? 'true' : 'false'), quoted: false }
    case Type.Utf8:
    case Type.LargeUtf8: {
      const bytes = buffer(values)
      return { spell: (row) => bytes.toString('utf8', Number(valueOffsets[row]), Number(valueOffsets[row + 1])), quoted: true }
    }
    case Type.Binary:
    case Type.LargeBinary: {
      const bytes = buffer(values)
      return { spell: (row) => bytes.toString('base64', Number(valueOffsets[row]), Number(valueOffsets[row + 1])), quoted: true }
    }
    case Type.Decimal: {
      const { bitWidth, scale } = data.type as Decimal
      const words = bitWidth / 32
      return { spell: (row) => decimal(values, row * words, words, scale), quoted: false }
    }
    case Type.Date:
      return {
        spell: (data.type as Date_).unit === DateUnit.DAY ? (row) => date(values[row]) : (row) => date(Number(values[row]) / 86_400_000),
        quoted: true,
      }
    case Type.Timestamp: {
      const { timezone, unit } = data.type as Timestamp
      const zone = timezone ? 'Z' : ''
      return { spell: (row) => timestamp(BigInt(values[row]), unit) + zone, quoted: true }
    }
    case Type.Time: {
      const { unit } = data.type as Time
      return { spell: (row) => time(BigInt(values[row]), unit), quoted: true }
    }
    case Type.List:
    case Type.LargeList:
      return { spell: list(data, (row) => [Number(valueOffsets[row]), Number(valueOffsets[row + 1])]), quoted: false }
    case Type.FixedSizeList: {
      const size = (data.type as FixedSizeList).listSize
      return { spell: list(data, (row) => [row * size, (row + 1) * size]), quoted: false }
    }
    case Type.Struct:
      return { spell: struct(data), quoted: false }
    case Type.Map:
      return { spell: map(data), quoted: false }
    default:
      return { spell: () => `(${data.type})`, quoted: true }
  }
}

function list(data: Data, range: (row: number) => readonly [number, number]): (row: number) => string {
  const elements = jsonCells(child(data, 0))
  return (row) => {
    const [start, end] = range(row)
    let text = '['
    for (let at = start; at < end; at++) text += (at === start ? '' : ',') + elements(at)
    return `${text}]`
  }
}

function struct(data: Data): (row: number) => string {
  const fields = data.type.children.map((field: { name: string }, at: number) => ({
    key: `${at === 0 ? '' : ','}${JSON.stringify(field.name)}:`,
    cells: jsonCells(child(data, at)),
  }))
  return (row) => {
    let text = '{'
    for (const { key, cells } of fields) text += key + cells(row)
    return `${text}}`
  }
}

/** An object; keys that are no text are spelled as text. */
function map(data: Data): (row: number) => string {
  const entries = child(data, 0)
  const keys = textCells(child(entries, 0))
  const values = jsonCells(child(entries, 1))
  return (row) => {
    const start = data.valueOffsets[row]
    const end = data.valueOffsets[row + 1]
    let text = '{'
    for (let at = start; at < end; at++) text += `${at === start ? '' : ','}${JSON.stringify(keys(at) ?? 'null')}:${values(at)}`
    return `${text}}`
  }
}

function child(data: Data, at: number): Data {
  return data.children[at] as Data
}

function buffer(values: Uint8Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength)
}

function bit(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at >> 3] ?? 0) & (1 << (at & 7))) !== 0
}

/** A double as the shortest text that reads back the same, with a point so that it stays a double. */
function double(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return `${Object.is(value, -0) ? '-0' : value}.0`
  return String(value)
}

/** Below it a float has fewer digits. */
const smallestNormal = 2 ** -126

/** A float: as few digits as tell it from its neighbours among the floats. */
function single(value: number): string {
  if (value === 0) return double(value)
  for (let digits = Math.abs(value) < smallestNormal ? 1 : 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits))
    if (Math.fround(short) === value) return double(short)
  }
  return double(value)
}

function notFinite(text: string): boolean {
  return text === 'NaN' || text === 'Infinity' || text === '-Infinity'
}

function decimal(words: Uint32Array, at: number, count: number, scale: number): string {
  let unscaled = 0n
  for (let word = count - 1; word >= 0; word--) unscaled = (unscaled << 32n) | BigInt(words[at + word] ?? 0)
  unscaled = BigInt.asIntN(count * 32, unscaled)
  if (scale === 0) return unscaled.toString()
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

const perSecond = {
  [TimeUnit.SECOND]: 1n,
  [TimeUnit.MILLISECOND]: 1_000n,
  [TimeUnit.MICROSECOND]: 1_000_000n,
  [TimeUnit.NANOSECOND]: 1_000_000_000n,
}

function timestamp(value: bigint, unit: TimeUnit): string {
  const [days, rest] = floorDivide(value, 86_400n * perSecond[unit])
  return `${date(Number(days))}T${time(rest, unit)}`
}

function time(value: bigint, unit: TimeUnit): string {
  const [seconds, rest] = floorDivide(value, perSecond[unit])
  const two = (part: number) => String(part).padStart(2, '0')
  const second = Number(seconds)
  const clock = `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`
  if (rest === 0n) return clock
  const digits = rest.toString().padStart(perSecond[unit].toString().length - 1, '0')
  return `${clock}.${digits.endsWith('000') ? digits.slice(0, -3) : digits}`
}

function floorDivide(value: bigint, by: bigint): [bigint, bigint] {
  const rest = ((value % by) + by) % by
  return [(value - rest) / by, rest]
}

/** A day since 1970-01-01 in the proleptic Gregorian calendar; years beyond four digits carry a sign, as ISO 8601 has it. */
function date(days: number): string {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const day = shifted - era * 146_097
  const ofEra = Math.floor((day - Math.floor(day / 1460) + Math.floor(day / 36_524) - Math.floor(day / 146_096)) / 365)
  const ofYear = day - (365 * ofEra + Math.floor(ofEra / 4) - Math.floor(ofEra / 100))
  const month = Math.floor((5 * ofYear + 2) / 153)
  const two = (part: number) => String(part).padStart(2, '0')
  const year = ofEra + era * 400 + (month >= 10 ? 1 : 0)
  return `${isoYear(year)}-${two(month < 10 ? month + 3 : month - 9)}-${two(ofYear - Math.floor((153 * month + 2) / 5) + 1)}`
}

function isoYear(year: number): string {
  if (year >= 0 && year <= 9999) return String(year).padStart(4, '0')
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`
}
