/**
 * Plain objects as sources: Arrow batches are made of them as they are asked for. With a table the values become the table's types;
 * without, types are inferred from all rows of an array, and from the first thousands of a stream.
 */
import type { RecordBatch } from 'apache-arrow'
import { toArrowSchema } from '../../schema/arrow.ts'
import type { Row } from '../../schema/rows.ts'
import { inferSchema, rowsToBatch } from '../../schema/rows.ts'
import type { StructType } from '../../schema/types.ts'
import { missingColumn } from '../write/conform.ts'
import { batchBytes } from '../write/small-columns.ts'
import type { OpenOptions } from './open-options.ts'
import type { Pulled } from './pull.ts'
import type { BatchSource } from './source.ts'

/** Rows of a batch, and rows that types are inferred from at least. */
const chunkRows = 8192

/** An array, or another synchronous iterable. */
export function openRows(rows: readonly Row[] | Iterable<Row>, options: OpenOptions): BatchSource {
  const iterator = chunks(rows)
  const first = iterator.next()
  const head = first.done ? [] : first.value
  const schema = schemaOf(Array.isArray(rows) ? (rows as Row[]) : head, options)
  if (head.length < chunkRows) return inMemory(head, schema)
  const batches = function* (): Generator<RecordBatch> {
    let first = 1
    for (let chunk: readonly Row[] | undefined = head; chunk !== undefined; chunk = next(iterator)) {
      yield rowsToBatch(chunk, schema, first)
      first += chunk.length
    }
  }
  return {
    kind: 'batches',
    schema,
    arrowSchema: toArrowSchema(schema),
    batches: batches(),
    inputs: [],
    close: async () => void iterator.return(undefined),
  }
}

/** An asynchronous iterable. */
export async function openRowStream(pulled: Pulled<Row> & AsyncIterable<Row>, options: OpenOptions): Promise<BatchSource> {
  const iterator = chunksAsync(pulled)
  const first = await iterator.next()
  const head = first.done ? [] : first.value
  const schema = schemaOf(head, options)
  if (head.length < chunkRows) return inMemory(head, schema)
  const batches = async function* (): AsyncGenerator<RecordBatch> {
    let first = 1
    for (let chunk: readonly Row[] | undefined = head; chunk !== undefined; ) {
      yield rowsToBatch(chunk, schema, first)
      first += chunk.length
      const following: IteratorResult<Row[], undefined> = await iterator.next()
      chunk = following.done ? undefined : following.value
    }
  }
  return { kind: 'batches', schema, arrowSchema: toArrowSchema(schema), batches: batches(), inputs: [], close: () => pulled.close() }
}

function inMemory(rows: readonly Row[], schema: StructType): BatchSource {
  const batches = rows.length === 0 ? [] : [rowsToBatch(rows, schema)]
  const bytes = batches.reduce((sum, batch) => sum + batchBytes(batch), 0)
  return {
    kind: 'batches',
    schema,
    arrowSchema: toArrowSchema(schema),
    batches,
    size: { rows: rows.length, bytes },
    inputs: [],
    close: async () => {},
  }
}

/** The table's columns, with new ones behind them where they may be. */
function schemaOf(rows: readonly Row[], options: OpenOptions): StructType {
  const { tableSchema } = options
  if (tableSchema === undefined) return inferSchema(rows)
  if (rows.length === 0) return tableSchema
  const keys = new Map<string, string>()
  for (const row of rows) for (const key of Object.keys(row)) if (!keys.has(key)) keys.set(key, key.toLowerCase())
  const present = new Set(keys.values())
  for (const column of tableSchema.fields) if (!column.nullable && !present.has(column.name.toLowerCase())) throw missingColumn(column.name)
  if (!options.mergeSchema) return tableSchema
  const known = new Set(tableSchema.fields.map((column) => column.name.toLowerCase()))
  const added = [...keys].filter(([, lower]) => !known.has(lower)).map(([key]) => key)
  if (added.length === 0) return tableSchema
  const extra = rows.map((row) => Object.fromEntries(added.filter((key) => Object.hasOwn(row, key)).map((key) => [key, row[key]])))
  return { type: 'struct', fields: [...tableSchema.fields, ...inferSchema(extra).fields] }
}

function* chunks(rows: Iterable<Row>): Generator<Row[], undefined> {
  let chunk: Row[] = []
  for (const row of rows) {
    chunk.push(row)
    if (chunk.length < chunkRows) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}

async function* chunksAsync(rows: AsyncIterable<Row>): AsyncGenerator<Row[], undefined> {
  let chunk: Row[] = []
  for await (const row of rows) {
    chunk.push(row)
    if (chunk.length < chunkRows) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}

function next<T>(iterator: Iterator<T, undefined>): T | undefined {
  const result = iterator.next()
  return result.done ? undefined : result.value
}
