/** Files and byte streams as sources: found, their format known, and opened by the reader of that format. */
import { join, relative } from 'node:path'
import { type RecordBatch, RecordBatchReader, type Schema } from 'apache-arrow'
import { trustedEngine } from '../../engine/index.ts'
import { InputError, VarveError } from '../../errors/index.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import type { StructType } from '../../schema/types.ts'
import { type InputStat, localStore, type Staging, spoolStream, statInput } from '../../storage/index.ts'
import { openInput, readInput } from '../../storage/input-stream.ts'
import { openBatchStream } from './arrow-source.ts'
import { csvRelation } from './csv-source.ts'
import { fileInputs, hashedStream } from './file-inputs.ts'
import { type FileNames, inputCorrupt, inputFailure, inputNotFound, streamName } from './input-failure.ts'
import { type JsonRelation, jsonRelation } from './json-source.ts'
import { normalise } from './normalise.ts'
import type { OpenOptions } from './open-options.ts'
import { pullAsync } from './pull.ts'
import type { BatchSource, FilesInput, InputFormat, RelationSource, Source, StreamInput } from './source.ts'
import { fileList } from './sql-files.ts'

const formats: ReadonlySet<string> = new Set<InputFormat>(['parquet', 'csv', 'json', 'ndjson', 'arrow'])

/** Opens files, all of one format. Columns are matched by name among them, and what one file lacks is NULL. */
export async function openFiles(input: FilesInput, options: OpenOptions): Promise<Source> {
  const named = typeof input.files === 'string' ? [input.files] : [...input.files]
  if (named.length === 0) throw new InputError('INPUT_NOT_FOUND', 'No file is named.', { remedy: 'Name at least one file.' })
  const found: InputStat[] = []
  const names: string[] = []
  let format = input.format
  for (const path of named) {
    const stat = await statInput(path)
    if (stat === undefined) throw inputNotFound(path)
    if (stat.kind === 'folder') {
      format ??= 'parquet'
      const within = await filesIn(stat.path, format)
      found.push(...within)
      names.push(...within.map((file) => join(path, relative(stat.path, file.path))))
      continue
    }
    const own = input.format ?? formatOf(stat.path)
    if (own === undefined) throw unknownFormat(stat.path)
    if (format !== undefined && format !== own) throw mixedFormats(stat.path, own, format)
    format = own
    found.push(stat)
    names.push(path)
  }
  return openSpooled(found, format!, names, options)
}

/** Opens a byte stream. What DuckDB reads goes through a scratch file, which `close` removes. */
export async function openStream(input: StreamInput, options: OpenOptions): Promise<Source> {
  const { format } = input
  if (format === 'arrow') {
    const { stream, inputs } = options.hashInputs ? hashedStream(input.stream, streamName) : { ...input, inputs: unhashedStream }
    return { ...(await openArrow(async () => stream, streamName, options)), inputs }
  }
  return openSpooled([input.stream], format, [streamName], options)
}

/** Opens files, with those that can be read but once, pipes and streams, in scratch files: readers look at a file before they read it. */
async function openSpooled(
  given: readonly (InputStat | AsyncIterable<Uint8Array>)[],
  format: InputFormat,
  names: readonly string[],
  options: OpenOptions,
): Promise<Source> {
  if (!formats.has(format)) throw unsupportedFormat(format)
  const scratch: Staging[] = []
  const dispose = async () => {
    for (const one of scratch) await one.dispose()
  }
  const fileNames = new Map<string, string>()
  try {
    const found: InputStat[] = []
    for (const [index, one] of given.entries()) {
      if (!(Symbol.asyncIterator in one) && !one.once) {
        found.push(one)
        continue
      }
      const bytes = Symbol.asyncIterator in one ? one : readInput(one.path, { signal: options.signal })
      const [packed = ''] = /\.(gz|zst)$/i.exec(names[index]!) ?? []
      const spooled = await spoolStream(bytes, `.${format}${packed}`, { signal: options.signal })
      scratch.push(spooled)
      fileNames.set(spooled.path, names[index]!)
      found.push((await statInput(spooled.path))!)
    }
    const source = await openLocal(found, format, names, fileNames, options)
    const close = async () => {
      await source.close()
      await dispose()
    }
    return { ...source, close }
  } catch (error) {
    await dispose()
    throw error
  }
}

const unhashedStream = async () => [{ file: streamName }]

/** Opens files, which are hashed meanwhile. */
async function openLocal(
  found: readonly InputStat[],
  format: InputFormat,
  names: readonly string[],
  fileNames: FileNames,
  options: OpenOptions,
): Promise<Source> {
  const { inputs, stop } = fileInputs(found, names, options)
  try {
    const source = await openFormat(found, format, fileNames, options)
    const close = async () => {
      stop()
      await source.close()
    }
    return { ...source, inputs, close }
  } catch (error) {
    stop()
    throw error
  }
}

async function openFormat(found: readonly InputStat[], format: InputFormat, fileNames: FileNames, options: OpenOptions): Promise<Source> {
  const paths = found.map((file) => file.path)
  if (format === 'arrow')
    return openArrowFiles(found, options).catch((error: unknown) => {
      throw inputFailure(error, paths, fileNames)
    })
  const connection = await (await trustedEngine()).connect()
  try {
    const run = { signal: options.signal, files: paths }
    let relation: JsonRelation
    if (format === 'parquet') {
      const byName = paths.length > 1 ? ', union_by_name = true' : ''
      relation = await normalise(connection, `read_parquet(${fileList(paths)}, hive_partitioning = false${byName})`, undefined, run)
    } else {
      const read = format === 'csv' ? csvRelation : jsonRelation
      relation = await read(connection, paths, format, options)
    }
    checkSchema(relation.schema, paths[0]!)
    const bytes = found.reduce((sum, file) => sum + file.size, 0)
    const { sql, schema, scratch, dispose: close = async () => {} } = relation
    const known =
      scratch === undefined ? fileNames : new Map([...fileNames, [scratch, paths.map((path) => fileNames.get(path) ?? path).join(', ')]])
    const base = { kind: 'relation', sql, schema, files: paths, fileNames: known, close } as const
    return { ...base, replayable: format === 'parquet', bytes } satisfies RelationSource
  } catch (error) {
    throw inputFailure(error, paths, fileNames)
  } finally {
    await connection.close()
  }
}

async function openArrowFiles(found: readonly InputStat[], options: OpenOptions): Promise<Source> {
  const [first] = found
  if (found.length === 1) return openArrow(() => arrowFile(first!, options), first!.path, options)
  const batches = async function* () {
    for (const file of found) yield* (await openArrow(() => arrowFile(file, options), file.path, options)).batches
  }
  const iterable = batches()
  return openBatchStream(await pullAsync(iterable, options.signal), iterable, options)
}

/** Where Arrow's reader takes its bytes from: an open file, or a stream. */
type ArrowBytes = Awaited<ReturnType<typeof openInput>> | AsyncIterable<Uint8Array>

async function openArrow(open: () => Promise<ArrowBytes>, name: string, options: OpenOptions): Promise<BatchSource> {
  let schema: Schema | undefined
  const batches = async function* (): AsyncGenerator<RecordBatch> {
    const bytes = await open()
    try {
      const reader = await RecordBatchReader.from(bytes as AsyncIterable<Uint8Array>)
      await reader.open()
      schema = reader.schema
      yield* reader
    } catch (error) {
      throw error instanceof VarveError ? error : inputCorrupt(name, error instanceof Error ? error.message : String(error), error)
    } finally {
      if ('readv' in bytes) await bytes.close()
    }
  }
  const pulled = await pullAsync(batches(), options.signal)
  if (schema === undefined) throw inputCorrupt(name, 'it holds no Arrow schema')
  return openBatchStream(pulled, { schema }, options)
}

const fileMagic = 'ARROW1'

/** An Arrow file: the schema stands in its footer, so its reader jumps. */
async function arrowFile(file: InputStat, options: OpenOptions): Promise<ArrowBytes> {
  const { signal } = options
  if (file.size === 0) throw inputCorrupt(file.path, 'it is empty')
  const isFile = (await text(readInput(file.path, { end: fileMagic.length, signal }))) === fileMagic
  if (!isFile) return readInput(file.path, { signal })
  if ((await text(readInput(file.path, { start: Math.max(0, file.size - fileMagic.length), signal }))) !== fileMagic) {
    throw inputCorrupt(file.path, 'its end is missing')
  }
  return openInput(file.path)
}

async function text(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  let all = ''
  for await (const piece of bytes) all += Buffer.from(piece).toString('latin1')
  return all
}

async function filesIn(folder: string, format: InputFormat): Promise<InputStat[]> {
  const found: InputStat[] = []
  for await (const { key, meta } of localStore(folder).list('', { meta: true })) {
    if (key.startsWith('_delta_log/')) throw isTable(folder)
    const hidden = key.split('/').some((part) => /^[_.]/.test(part))
    if (!hidden && formatOf(key) === format) found.push({ path: `${folder}/${key}`, size: meta?.size ?? 0, kind: 'file' })
  }
  if (found.length === 0)
    throw new InputError('INPUT_NOT_FOUND', `There is no ${format} file in ${folder}.`, {
      remedy: 'Check the path and the format.',
      data: { path: folder },
    })
  return found
}

const endings: Readonly<Record<string, InputFormat>> = {
  parquet: 'parquet',
  pq: 'parquet',
  csv: 'csv',
  tsv: 'csv',
  json: 'json',
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  arrow: 'arrow',
  arrows: 'arrow',
  feather: 'arrow',
  ipc: 'arrow',
}

function formatOf(path: string): InputFormat | undefined {
  const [, ending] = /\.([a-z]+)(?:\.(?:gz|zst))?$/i.exec(path) ?? []
  return ending === undefined ? undefined : endings[ending.toLowerCase()]
}

/** DuckDB gives a column of its own making where a text file is empty. */
function checkSchema(schema: StructType, path: string): void {
  if (schema.fields.length === 0) throw inputCorrupt(path, 'it has no columns')
  for (const field of schema.fields) toSqlType(field.type)
}

/** The folder's files are not the table's rows: some are of older versions, some of none. */
function isTable(folder: string): InputError {
  return new InputError('INPUT_IS_TABLE', `${folder} is a table; its files alone do not say which rows a version has.`, {
    remedy: 'Name the table alone, as of a version or as it is: varve append PATH REF; in the library give the table, or its snapshot.',
    data: { path: folder },
  })
}

function unsupportedFormat(format: string): InputError {
  return new InputError('INPUT_FORMAT_UNKNOWN', `${format} is no format of input.`, {
    remedy: 'Use parquet, csv, json, ndjson or arrow.',
    data: { format },
  })
}

function unknownFormat(path: string): InputError {
  return new InputError('INPUT_FORMAT_UNKNOWN', `The name of ${path} does not tell its format.`, {
    remedy: 'Say it with --format: parquet, csv, json, ndjson or arrow.',
    data: { path },
  })
}

function mixedFormats(path: string, format: string, other: string): InputError {
  return new InputError('INPUT_FORMAT_UNKNOWN', `${path} is ${format}, and a file before it is ${other}.`, {
    remedy: 'Append files of one format at a time.',
    data: { path, format, other },
  })
}
