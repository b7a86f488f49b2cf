/** Rows as lines of text: JSON, NDJSON and CSV, a batch at a time. */
import type { RecordBatch, Schema } from 'apache-arrow'
import { jsonCells, textCells } from './format-values.ts'

/** Takes text; resolves when more may come. */
export type Write = (text: string) => Promise<void>

const flushAt = 1 << 16

/** One object a line. @returns The number of rows. */
export function writeNdjson(schema: Schema, batches: AsyncIterable<RecordBatch>, write: Write): Promise<number> {
  return writeRows(batches, write, jsonRows(schema), { before: '', between: '\n', after: '\n', none: '' })
}

/** One array of objects. @returns The number of rows. */
export function writeJson(schema: Schema, batches: AsyncIterable<RecordBatch>, write: Write): Promise<number> {
  return writeRows(batches, write, jsonRows(schema), { before: '[\n', between: ',\n', after: '\n]\n', none: '[]\n' })
}

/** RFC 4180 with a header line; NULL is an empty field, the empty string is `""`. @returns The number of rows. */
export function writeCsv(schema: Schema, batches: AsyncIterable<RecordBatch>, write: Write): Promise<number> {
  const header = schema.fields.map((field) => csvField(field.name)).join(',')
  return writeRows(batches, write, csvRows, { before: `${header}\n`, between: '\n', after: '\n', none: `${header}\n` })
}

/** The text around the rows. */
interface Frame {
  readonly before: string
  readonly between: string
  readonly after: string
  /** All of it, where there is no row. */
  readonly none: string
}

/** Nothing is written before the first batch is there: what fails earlier leaves no output. */
async function writeRows(
  batches: AsyncIterable<RecordBatch>,
  write: Write,
  rowsOf: (batch: RecordBatch) => (row: number) => string,
  frame: Frame,
): Promise<number> {
  let rows = 0
  let text = frame.before
  for await (const batch of batches) {
    const row = rowsOf(batch)
    for (let at = 0; at < batch.numRows; at++) {
      text += (rows === 0 ? '' : frame.between) + row(at)
      rows++
      if (text.length < flushAt) continue
      await write(text)
      text = ''
    }
  }
  await write(rows === 0 ? frame.none : text + frame.after)
  return rows
}

function jsonRows(schema: Schema): (batch: RecordBatch) => (row: number) => string {
  const keys = uniqueNames(schema.fields.map((field) => field.name)).map((name, at) => `${at === 0 ? '{' : ','}${JSON.stringify(name)}:`)
  return (batch) => {
    const columns = batch.data.children.map((data, at) => ({ key: keys[at], cells: jsonCells(data) }))
    return (row) => {
      let text = columns.length === 0 ? '{' : ''
      for (const { key, cells } of columns) text += key + cells(row)
      return `${text}}`
    }
  }
}

function csvRows(batch: RecordBatch): (row: number) => string {
  const columns = batch.data.children.map(textCells)
  return (row) => {
    let text = ''
    let separator = ''
    for (const cells of columns) {
      const cell = cells(row)
      text += cell === null ? separator : separator + csvField(cell)
      separator = ','
    }
    return text
  }
}

function csvField(text: string): string {
  return text === '' || /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** An object has each key once: columns of one name get a number. */
function uniqueNames(names: readonly string[]): string[] {
  const taken = new Set(names)
  const seen = new Set<string>()
  return names.map((name) => {
    let unique = name
    for (let number = 1; seen.has(unique); number++) if (!taken.has(`${name}_${number}`)) unique = `${name}_${number}`
    seen.add(unique)
    return unique
  })
}
