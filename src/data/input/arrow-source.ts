/** Arrow batches as sources. Objects of any copy of apache-arrow are recognised by their shape. */
import type { RecordBatch, Schema } from 'apache-arrow'
import { SchemaError } from '../../errors/index.ts'
import { fromArrowSchema, toArrowSchema } from '../../schema/arrow.ts'
import { batchBytes } from '../write/small-columns.ts'
import { smallBytes } from '../write/write-small.ts'
import type { OpenOptions } from './open-options.ts'
import type { Pulled } from './pull.ts'
import type { ArrowTableLike, BatchSource } from './source.ts'

/** Whether a value is an Arrow record batch. */
export function isRecordBatch(value: unknown): value is RecordBatch {
  const batch = value as Partial<RecordBatch> | null
  return (
    typeof batch === 'object' &&
    batch !== null &&
    isSchema(batch.schema) &&
    typeof batch.numRows === 'number' &&
    Array.isArray(batch.data?.children)
  )
}

/** Whether a value is an Arrow table. */
export function isArrowTable(value: unknown): value is ArrowTableLike {
  const table = value as Partial<ArrowTableLike> | null
  return typeof table === 'object' && table !== null && isSchema(table.schema) && Array.isArray(table.batches)
}

/** Batches that are all in memory. @throws SchemaError `UNSUPPORTED_TYPE` */
export function openBatches(schema: Schema, batches: readonly RecordBatch[]): BatchSource {
  const size = { rows: 0, bytes: 0 }
  for (const batch of batches) {
    checkSame(schema, batch.schema)
    size.rows += batch.numRows
    size.bytes += batchBytes(batch)
  }
  return { kind: 'batches', schema: fromArrowSchema(schema), arrowSchema: schema, batches, size, close: async () => {} }
}

/** A synchronous iterable of batches; in memory where it is short. */
export function openBatchIterable(pulled: Pulled<RecordBatch> & Iterable<RecordBatch>, input: object, options: OpenOptions): BatchSource {
  const schema = schemaOf(pulled.first, input, options)
  const iterator = pulled[Symbol.iterator]()
  const head: RecordBatch[] = []
  let bytes = 0
  while (bytes <= smallBytes) {
    const next = iterator.next()
    if (next.done) return openBatches(schema, head)
    head.push(next.value)
    bytes += batchBytes(next.value)
  }
  return {
    kind: 'batches',
    schema: fromArrowSchema(schema),
    arrowSchema: schema,
    batches: chain(schema, head, iterator),
    close: () => pulled.close(),
  }
}

/** An asynchronous iterable of batches, such as a reader of a stream; in memory where it is short. */
export async function openBatchStream(
  pulled: Pulled<RecordBatch> & AsyncIterable<RecordBatch>,
  input: object,
  options: OpenOptions,
): Promise<BatchSource> {
  const schema = schemaOf(pulled.first, input, options)
  const iterator = pulled[Symbol.asyncIterator]()
  const head: RecordBatch[] = []
  let bytes = 0
  while (bytes <= smallBytes) {
    const next = await iterator.next()
    if (next.done) return openBatches(schema, head)
    head.push(next.value)
    bytes += batchBytes(next.value)
  }
  return {
    kind: 'batches',
    schema: fromArrowSchema(schema),
    arrowSchema: schema,
    batches: chainAsync(schema, head, iterator),
    close: () => pulled.close(),
  }
}

function* chain(schema: Schema, head: readonly RecordBatch[], rest: Iterator<RecordBatch>): Generator<RecordBatch> {
  for (const batch of head) yield checkSame(schema, batch.schema, batch)
  for (let next = rest.next(); !next.done; next = rest.next()) yield checkSame(schema, next.value.schema, next.value)
}

async function* chainAsync(schema: Schema, head: readonly RecordBatch[], rest: AsyncIterator<RecordBatch>): AsyncGenerator<RecordBatch> {
  for (const batch of head) yield checkSame(schema, batch.schema, batch)
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield checkSame(schema, next.value.schema, next.value)
}

function schemaOf(first: RecordBatch | undefined, input: object, options: OpenOptions): Schema {
  if (first !== undefined) return first.schema
  const { schema } = input as { schema?: unknown }
  return isSchema(schema) ? schema : toArrowSchema(options.tableSchema ?? { type: 'struct', fields: [] })
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && Array.isArray((value as Schema).fields)
}

/** All batches of a source have one schema: values are read by it. */
function checkSame<T>(expected: Schema, found: Schema, batch?: T): T {
  if (expected !== found && shape(expected) !== shape(found)) {
    throw new SchemaError('TYPE_MISMATCH', `A batch has the columns ${shape(found)}, and the first had ${shape(expected)}.`, {
      remedy: 'Give batches of one schema, or append them one after the other.',
      data: { from: shape(found), to: shape(expected) },
    })
  }
  return batch as T
}

function shape(schema: Schema): string {
  return schema.fields.map((field) => `${field.name} ${String(field.type)}`).join(', ')
}
