/** Recognises what users append, and opens it. */
import type { RecordBatch } from 'apache-arrow'
import { UsageError } from '../../errors/index.ts'
import type { Row } from '../../schema/rows/rows.ts'
import { isArrowTable, isRecordBatch, openBatches, openBatchIterable, openBatchStream } from './arrow-source.ts'
import { openFiles, openStream } from './file-source.ts'
import type { OpenOptions } from './open-options.ts'
import { type Pulled, pull, pullAsync } from './pull.ts'
import { openQuery } from './query-source.ts'
import { openRowStream, openRows } from './row-source.ts'
import type { Input, Source } from './source.ts'
import { isTraced, readFrom } from './traced.ts'

/**
 * Opens an input. Close the source when it is done with, also after a failure.
 *
 * @throws InputError `INPUT_NOT_FOUND`, `INPUT_CORRUPT`, `INPUT_FORMAT_UNKNOWN`
 * @throws QueryError where a query is wrong or no single SELECT
 * @throws SchemaError where a type has no place in a table, or a row has a column that the table lacks
 * @throws UsageError `INVALID_ARGUMENT` for what is no input at all
 */
export async function openSource(input: Input, options: OpenOptions = {}): Promise<Source> {
  if (typeof input !== 'object' || input === null) throw notAnInput()
  if (isRecordBatch(input)) return openBatches(input.schema, [input])
  if (isArrowTable(input)) return openBatches(input.schema, input.batches)
  if (Symbol.asyncIterator in input) {
    const pulled = await pullAsync<Row | RecordBatch>(input, options.signal)
    const source = startsWithBatch(pulled, input)
      ? await openBatchStream(pulled as never, input, options)
      : await openRowStream(pulled as never, options)
    return isTraced(input) ? { ...source, inputs: () => input[readFrom]() } : source
  }
  if (Symbol.iterator in input) {
    if (Array.isArray(input) && input.length > 0 && !isRecordBatch(input[0])) return openRows(input as Row[], options)
    const pulled = pull<Row | RecordBatch>(input)
    if (startsWithBatch(pulled, input)) return openBatchIterable(pulled as never, input, options)
    return openRows(pulled as Iterable<Row>, options)
  }
  if ('query' in input && typeof input.query === 'string') return openQuery(input, options)
  if ('files' in input && isNames(input.files)) return openFiles(input, options)
  if ('stream' in input && Symbol.asyncIterator in Object(input.stream)) return openStream(input, options)
  throw notAnInput()
}

/** Nothing at all counts as batches where the source has an Arrow schema: a reader without batches. */
function startsWithBatch(pulled: Pulled<unknown>, input: object): boolean {
  return pulled.first === undefined ? 'schema' in input : isRecordBatch(pulled.first)
}

function isNames(files: unknown): boolean {
  return typeof files === 'string' || (Array.isArray(files) && files.every((file) => typeof file === 'string'))
}

function notAnInput(): UsageError {
  return new UsageError('INVALID_ARGUMENT', 'That cannot be appended: it is neither rows nor Arrow batches, files, a stream or a query.', {
    remedy: 'Give an array or an (async) iterable of objects or Arrow batches, { files }, { stream, format } or { query }.',
  })
}
