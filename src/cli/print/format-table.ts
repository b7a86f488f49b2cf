/**
 * Rows as a table for people. On a terminal it shows the first and the last rows of a long result and as much of each column as fits;
 * elsewhere all of it. Control characters are spelled out, so that no value moves the cursor.
 */
import type { DataType, Decimal, Field, Float, Int, List, RecordBatch, Schema, Timestamp } from 'apache-arrow'
import { Precision, Type } from 'apache-arrow'
import type { Style } from '../terminal/style.ts'
import { cutToWidth, padToWidth, textWidth } from '../terminal/text-width.ts'
import type { Write } from './format-lines.ts'
import { isNumeric, textCells } from './format-values.ts'
import { counted } from './human.ts'

/** How much is shown, and how. */
export interface TableOptions {
  /** Columns of the terminal; undefined shows everything. */
  readonly width: number | undefined
  readonly style: Style
}

/** Rows at the top, and as many at the bottom, of a result that is longer than both. */
const edge = 20
const narrowest = 6
const gap = '·'

const flushAt = 1 << 16

/** A cell, or null for NULL. */
type Row = readonly (string | null)[]

/** Writes a box with the rows, and their number below. @returns The number of rows. */
export async function writeTable(
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
  write: Write,
  options: TableOptions,
): Promise<number> {
  const { head, tail, rows, hidden } = await gather(batches, options.width === undefined ? Number.POSITIVE_INFINITY : edge)
  const layout = new Layout(schema.fields, rowsOf([...head, ...tail]), options)
  let text = layout.header()
  for (const row of rowsOf(head)) {
    text += layout.row(row)
    if (text.length < flushAt) continue
    await write(text)
    text = ''
  }
  if (hidden > 0) for (let line = 0; line < 3; line++) text += layout.gap()
  for (const row of rowsOf(tail)) text += layout.row(row)
  const shown = hidden > 0 ? ` (${rows - hidden} shown)` : ''
  await write(`${text}${layout.footer()}${options.style.dim(`${counted(rows, 'row')}${shown}${layout.omitted}`)}\n`)
  return rows
}

/** The first `limit` rows and the last `limit` of the others, as slices of batches: their text is made when it is needed. */
async function gather(batches: AsyncIterable<RecordBatch>, limit: number) {
  const head: RecordBatch[] = []
  const tail: RecordBatch[] = []
  let rows = 0
  let inHead = 0
  let inTail = 0
  for await (const batch of batches) {
    rows += batch.numRows
    const first = Math.min(batch.numRows, limit - inHead)
    if (first > 0) head.push(batch.slice(0, first))
    inHead += first
    if (first === batch.numRows) continue
    tail.push(batch.slice(first))
    inTail += batch.numRows - first
    for (let oldest = tail[0]; oldest !== undefined && inTail > limit; oldest = tail[0]) {
      const spare = Math.min(inTail - limit, oldest.numRows)
      if (spare === oldest.numRows) tail.shift()
      else tail[0] = oldest.slice(spare)
      inTail -= spare
    }
  }
  return { head, tail, rows, hidden: rows - inHead - inTail }
}

function* rowsOf(batches: readonly RecordBatch[]): Iterable<Row> {
  for (const batch of batches) {
    const columns = batch.data.children.map(textCells)
    for (let at = 0; at < batch.numRows; at++) yield columns.map((cells) => visible(cells(at)))
  }
}

/** One column of the box: of the result, or the one that stands for those left out. */
interface Column {
  readonly at: number | undefined
  readonly name: string
  readonly type: string
  readonly side: 'left' | 'right'
  width: number
}

/** The columns of the box and their widths. */
class Layout {
  readonly #columns: readonly Column[]
  readonly #style: Style
  /** What the footer says of columns that are not shown. */
  readonly omitted: string

  constructor(fields: readonly Field[], rows: Iterable<Row>, { width, style }: TableOptions) {
    this.#style = style
    const columns = fields.map((field, at): Column => {
      const name = visible(field.name) ?? ''
      const type = typeName(field.type)
      return { at, name, type, side: isNumeric(field.type) ? 'right' : 'left', width: Math.max(textWidth(name), textWidth(type)) }
    })
    for (const row of rows)
      for (const [at, column] of columns.entries()) column.width = Math.max(column.width, textWidth(row[at] ?? 'NULL'))
    this.#columns = width === undefined ? columns : fitted(columns, width)
    const shown = this.#columns.filter((column) => column.at !== undefined).length
    this.omitted = shown === fields.length ? '' : `, ${counted(fields.length, 'column')} (${shown} shown)`
  }

  header(): string {
    const { bold, dim } = this.#style
    const names = this.#line((column) => bold(padToWidth(cutToWidth(column.name, column.width), column.width, column.side)))
    const types = this.#line((column) => dim(padToWidth(cutToWidth(column.type, column.width), column.width, column.side)))
    return `${this.#rule('┌', '┬', '┐')}${names}${types}${this.#rule('├', '┼', '┤')}`
  }

  row(row: Row): string {
    return this.#line((column) => {
      const cell = column.at === undefined ? '…' : (row[column.at] ?? null)
      const text = padToWidth(cutToWidth(cell ?? 'NULL', column.width), column.width, column.side)
      return cell === null ? this.#style.dim(text) : text
    })
  }

  /** A line for the rows that are left out. */
  gap(): string {
    return this.#line((column) => this.#style.dim(padToWidth(gap, column.width, column.side)))
  }

  footer(): string {
    return this.#rule('└', '┴', '┘')
  }

  #line(cell: (column: Column) => string): string {
    const bar = this.#style.dim('│')
    return `${bar}${this.#columns.map((column) => ` ${cell(column)} `).join(bar)}${bar}\n`
  }

  #rule(left: string, middle: string, right: string): string {
    return `${this.#style.dim(left + this.#columns.map((column) => '─'.repeat(column.width + 2)).join(middle) + right)}\n`
  }
}

/** Narrows the widest columns until all fit; where even narrow ones do not, leaves some out in the middle. */
function fitted(columns: readonly Column[], width: number): readonly Column[] {
  const total = (shown: readonly Column[]) => shown.reduce((sum, column) => sum + column.width + 3, 1)
  let most = Math.max(narrowest, ...columns.map((column) => column.width))
  while (total(columns) > width && most > narrowest) {
    most--
    for (const column of columns) column.width = Math.min(column.width, most)
  }
  if (total(columns) <= width) return columns
  const rest: Column = { at: undefined, name: '…', type: '', side: 'left', width: 1 }
  let left = columns.length
  let some: readonly Column[] = columns
  while (left > 1 && total(some) > width) {
    left--
    some = [...columns.slice(0, Math.ceil(left / 2)), rest, ...columns.slice(columns.length - Math.floor(left / 2))]
  }
  return some
}

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Control characters, and those that turn the direction of writing, spelled out. */
function visible(text: string | null): string | null {
  if (text === null) return null
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (found) => {
    return escapes[found] ?? `\\u${(found.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}

/** The type as SQL names it. */
function typeName(type: DataType): string {
  switch (type.typeId) {
    case Type.Int: {
      const { bitWidth, isSigned } = type as Int
      const name = { 8: 'tinyint', 16: 'smallint', 32: 'integer', 64: 'bigint' }[bitWidth]
      return isSigned ? name : `u${name}`
    }
    case Type.Float:
      return (type as Float).precision === Precision.SINGLE ? 'float' : 'double'
    case Type.Utf8:
    case Type.LargeUtf8:
      return 'varchar'
    case Type.Binary:
    case Type.LargeBinary:
      return 'blob'
    case Type.Bool:
      return 'boolean'
    case Type.Decimal:
      return `decimal(${(type as Decimal).precision},${(type as Decimal).scale})`
    case Type.Date:
      return 'date'
    case Type.Time:
      return 'time'
    case Type.Timestamp:
      return (type as Timestamp).timezone ? 'timestamptz' : 'timestamp'
    case Type.List:
    case Type.LargeList:
      return `${typeName((type as List).valueType)}[]`
    case Type.Struct:
      return `struct(${type.children.map((field: Field) => `${visible(field.name)} ${typeName(field.type)}`).join(', ')})`
    case Type.Map: {
      const entries: readonly Field[] = type.children[0]?.type.children ?? []
      return `map(${entries.map((field) => typeName(field.type)).join(', ')})`
    }
    case Type.Null:
      return '"null"'
    default:
      return String(type).toLowerCase()
  }
}
