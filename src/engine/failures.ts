/**
 * DuckDB's failures as Varve's errors. The binding rejects with a plain Error whose message begins with the name of DuckDB's
 * exception type (`Conversion Error: ...`); that name decides, and the text only tells the cases of an I/O failure apart, for which
 * DuckDB has one type. The original stays as `cause`.
 */
import {
  AbortedError,
  DataFileError,
  type ErrorData,
  QueryError,
  StoreDeniedError,
  StoreFullError,
  UnsupportedFeatureError,
  ValueError,
  VarveError,
} from '../errors/index.ts'

/** What is known about a statement when it fails. */
export interface FailureContext {
  /** The caller's signal: once aborted, an interrupt is the caller's own doing. */
  readonly signal?: AbortSignal | undefined
  /** Local paths of the Parquet files that the statement reads: a failure that names one of them is that file's. */
  readonly files?: readonly string[] | undefined
  /** The lines that stand before the caller's SQL in what was run. Default: 0. */
  readonly linesBefore?: number | undefined
}

/** The Varve error for anything that a call of the binding threw. Varve's own errors pass unchanged. */
export function toVarveError(failure: unknown, context: FailureContext = {}): VarveError {
  if (failure instanceof VarveError) return failure
  if (context.signal?.aborted) return new AbortedError('The query', context.signal.reason)
  const text = failure instanceof Error ? failure.message : String(failure)
  const { kind, message, position } = readMessage(text, context.linesBefore ?? 0)
  const details = { data: position, cause: failure }
  switch (kind) {
    case 'INTERRUPT':
      return new AbortedError('The query', failure)
    case 'Conversion':
    case 'Out of Range':
      return new ValueError('VALUE_OUT_OF_RANGE', message, { ...details, remedy: 'Change the value, or the type it is converted to.' })
    case 'Out of Memory':
      return new QueryError('OUT_OF_MEMORY', message, {
        ...details,
        remedy: 'Raise the memory limit with configureEngine, or ask for fewer columns or rows at once.',
      })
    case 'IO':
    case 'Permission':
    case 'Invalid Input':
    case 'Invalid':
    case 'Serialization':
      return toFileError(kind, message, context, failure) ?? toSqlError(kind, message, details)
    default:
      return toSqlError(kind, message, details)
  }
}

/** Whether the instance is of no more use: DuckDB refuses everything after such a failure. */
export function isFatal(failure: unknown): boolean {
  return failure instanceof Error && /^(FATAL|INTERNAL) Error: /.test(failure.message)
}

function toSqlError(kind: string | undefined, message: string, details: { data: ErrorData; cause: unknown }): QueryError {
  if (kind === 'Permission') {
    return new QueryError('SQL_REFUSED', message, {
      ...details,
      remedy: 'Query only the tables that were named; nothing else can be opened here.',
    })
  }
  return new QueryError('SQL_ERROR', kind === undefined ? message : `${kind} error: ${message}`, { ...details, remedy: 'Correct the SQL.' })
}

function toFileError(kind: string, message: string, context: FailureContext, cause: unknown): VarveError | undefined {
  if (/no space left on device|disk quota exceeded/i.test(message)) {
    return new StoreFullError('STORE_FULL', 'No space is left on the device.', { remedy: 'Free some space and run it again.', cause })
  }
  const path = context.files?.find((file) => message.includes(file)) ?? namedFile(message)
  // Of what is wrong inside a page or a footer the Parquet reader does not always say where.
  const ofSomeFile = context.files?.length && (kind === 'Invalid' || kind === 'IO' || /parquet/i.test(message))
  if (path === undefined && ofSomeFile) {
    if (notRead.test(message)) return unsupportedFile(message, undefined, cause)
    return new DataFileError('DATA_FILE_CORRUPT', `A file cannot be read: ${message}`, { cause, remedy: 'Restore the file from a copy.' })
  }
  if (path === undefined) return undefined
  const data = { path }
  if (kind === 'IO' && /no such file|no files found|does not exist/i.test(message)) {
    return new DataFileError('DATA_FILE_MISSING', `The file ${path} is missing.`, { data, cause, remedy: 'Restore the file from a copy.' })
  }
  if (kind === 'IO' && /permission denied|read-only file system/i.test(message)) {
    return new StoreDeniedError('STORE_DENIED', `The file ${path} may not be opened.`, { data, cause, remedy: 'Check the permissions.' })
  }
  if (kind === 'Permission') return undefined
  if (notRead.test(message)) return unsupportedFile(message, path, cause)
  return new DataFileError('DATA_FILE_CORRUPT', `The file ${path} cannot be read: ${message}`, {
    data,
    cause,
    remedy: 'Restore the file from a copy.',
  })
}

/** What DuckDB says of a Parquet file that is whole, but written in a way that it does not read. */
const notRead = /unsupported compression codec|unsupported page encoding|encoding is only supported for|is encrypted/i

function unsupportedFile(message: string, path: string | undefined, cause: unknown): UnsupportedFeatureError {
  return new UnsupportedFeatureError('UNSUPPORTED_FEATURE', `A Parquet file is written in a way that cannot be read: ${message}`, {
    remedy: 'Read other columns, or have the engine that wrote the file rewrite it with another codec or encoding.',
    data: { feature: 'Parquet', ...(path !== undefined && { path }) },
    cause,
  })
}

/** The Parquet file that a message names in quotes. */
function namedFile(message: string): string | undefined {
  for (const [, quoted] of message.matchAll(/["']([^"'\n]+)["']/g)) {
    if (quoted !== undefined && /\.parquet$/i.test(quoted)) return quoted
  }
  return undefined
}

/** Splits `Kind Error: text\n\nLINE 3: excerpt\n   ^`; the excerpt is left out, its place is kept where it can be told. */
function readMessage(text: string, linesBefore: number): { kind: string | undefined; message: string; position: ErrorData } {
  const named = /^([A-Z][A-Za-z ]*?) Error: ([\s\S]*)$/.exec(text)
  const body = named?.[2] ?? text
  const excerpt = /\n\nLINE (\d+): ([^\n]*)\n( *)\^/.exec(body)
  const message = (excerpt === null ? body : body.slice(0, excerpt.index)).trim().replaceAll(/\s*\n\s*/g, ' ')
  if (excerpt === null) return { kind: named?.[1], message, position: {} }
  const line = Number(excerpt[1]) - linesBefore
  const column = excerpt[3]!.length - `LINE ${excerpt[1]}: `.length + 1
  // DuckDB cuts a long line on the left, and then the caret says nothing about the column.
  return { kind: named?.[1], message, position: excerpt[2]!.startsWith('...') ? { line } : { line, column } }
}
