/**
 * Plain objects as sources: Arrow batches are made of them as they are asked for. With a table the values become the table's types;
 * without, types are inferred from all rows of an array, and from the first thousands of a stream.
 */
import type { RecordBatch } from 'apache-arrow'
import { SchemaError } from '../../errors/index.ts'
import { toArrowSchema } from '../../schema/arrow.ts'
import type { Row } from '../../schema/rows/rows.ts'
import { inferSchema, rowsToBatch } from '../../schema/rows/rows.ts'
import type { StructField, StructType } from '../../schema/types.ts'
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
  if (head.length < chunkRows) return inMemory(checkFilled(head, schema, options), schema)
  const batches = function* (): Generator<RecordBatch> {
    let first = 1
    for (let chunk: readonly Row[] | undefined = head; chunk !== undefined; chunk = next(iterator)) {
      yield rowsToBatch(checkFilled(chunk, schema, options), schema, first)
      first += chunk.length
    }
  }
  return {
    kind: 'batches',
    schema,
    arrowSchema: toArrowSchema(schema),
    batches: batches(),
    close: async () => void iterator.return(undefined),
  }
}

/** An asynchronous iterable. */
export async function openRowStream(pulled: Pulled<Row> & AsyncIterable<Row>, options: OpenOptions): Promise<BatchSource> {
  const iterator = chunksAsync(pulled)
  const first = await iterator.next()
  const head = first.done ? [] : first.value
  const schema = schemaOf(head, options)
  if (head.length < chunkRows) return inMemory(checkFilled(head, schema, options), schema)
  const batches = async function* (): AsyncGenerator<RecordBatch> {
    let first = 1
    for (let chunk: readonly Row[] | undefined = head; chunk !== undefined; ) {
      yield rowsToBatch(checkFilled(chunk, schema, options), schema, first)
      first += chunk.length
      const following: IteratorResult<Row[], undefined> = await iterator.next()
      chunk = following.done ? undefined : following.value
    }
  }
  return { kind: 'batches', schema, arrowSchema: toArrowSchema(schema), batches: batches(), close: () => pulled.close() }
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
    close: async () => {},
  }
}

/** The table's columns, with new ones behind them where they may be. */
function schemaOf(rows: readonly Row[], options: OpenOptions): StructType {
  const { tableSchema } = options
  if (tableSchema === undefined) return inferSchema(rows)
  if (rows.length === 0) return options.onlyPresent ? tableSchema : withoutAbsent(tableSchema, options, new Set())
  const keys = new Map<string, string>()
  for (const row of rows) for (const key of Object.keys(row)) if (!keys.has(key)) keys.set(key, key.toLowerCase())
  const present = new Set(keys.values())
  const schema = withoutAbsent(tableSchema, options, present)
  for (const column of schema.fields) if (!column.nullable && !present.has(column.name.toLowerCase())) throw missingColumn(column.name)
  if (!options.mergeSchema) return schema
  const known = new Set(tableSchema.fields.map((column) => column.name.toLowerCase()))
  const added = [...keys].filter(([, lower]) => !known.has(lower)).map(([key]) => key)
  if (added.length === 0) return schema
  const extra = rows.map((row) => Object.fromEntries(added.filter((key) => Object.hasOwn(row, key)).map((key) => [key, row[key]])))
  return { type: 'struct', fields: [...schema.fields, ...inferSchema(extra).fields] }
}

/** The table's columns but those that no row has and that it fills itself, or that are not to be there then. */
function withoutAbsent(tableSchema: StructType, { filled, onlyPresent }: OpenOptions, present: ReadonlySet<string>): StructType {
  const mayLack = (field: StructField) => onlyPresent === true || filled?.has(field) === true
  if (!tableSchema.fields.some(mayLack)) return tableSchema
  return { ...tableSchema, fields: tableSchema.fields.filter((field) => !mayLack(field) || present.has(field.name.toLowerCase())) }
}

/**
 * Of columns that are filled where they are missing, all rows have a value, or none has: a row alone cannot say that it has none. NULL is
 * one. @throws SchemaError MISSING_COLUMN
 */
function checkFilled(rows: readonly Row[], schema: StructType, { filled }: OpenOptions): readonly Row[] {
  const names = schema.fields.filter((field) => filled?.has(field)).map((field) => field.name)
  for (const name of names) {
    const lower = name.toLowerCase()
    if (!rows.every((row) => Object.hasOwn(row, name) || Object.keys(row).some((key) => key.toLowerCase() === lower)))
      throw missingInSome(name)
  }
  return rows
}

function missingInSome(column: string): SchemaError {
  return new SchemaError(
    'MISSING_COLUMN',
    `The table fills in the column ${JSON.stringify(column)} where it is missing, and only some rows have it.`,
    {
      remedy: 'Give it in all rows (null is a value too) or in none; append the two kinds of rows one after the other.',
      data: { column },
    },
  )
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
