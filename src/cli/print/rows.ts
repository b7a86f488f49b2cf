/**
 * Rows as a verb's result: `--format` and `--output`. Text goes out as the batches come; the binary formats are written by the library to
 * a file first. A file that the user names appears under its name only when it is complete.
 */
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdtemp, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, extname, join, resolve } from 'node:path'
import type { ChangeFeed, QueryResult } from '../../index.ts'
import { CommandLineError } from '../failure.ts'
import type { RowFormat, RowsOptions } from '../options/rows.ts'
import { wrong } from '../options/values.ts'
import type { Invocation } from '../verb.ts'
import { writeCsv, writeJson, writeNdjson } from './format-lines.ts'
import { writeTable } from './format-table.ts'
import { byteSize, counted } from './human.ts'
import { jsonLine } from './json.ts'

const extensions: Readonly<Record<string, RowFormat>> = {
  '.parquet': 'parquet',
  '.csv': 'csv',
  '.json': 'json',
  '.ndjson': 'ndjson',
  '.jsonl': 'ndjson',
  '.arrow': 'arrow',
  '.txt': 'table',
}

/** What rows come from. */
type RowsResult = QueryResult | ChangeFeed

/** Takes a piece of the result. */
type Take = (chunk: string | Uint8Array) => Promise<void>

/** Prints a result, or writes it to the file of `--output`. */
export async function writeRows(call: Invocation, result: RowsResult, options: RowsOptions): Promise<void> {
  const format = chosenFormat(call, options)
  if (options.output === undefined || options.output === '-') {
    if (isBinary(format) && call.output.isTerminal)
      throw wrong(`${format} on a terminal is not for reading.`, 'Send it to a file with --output, or through a pipe.')
    await produce(call, result, format, (chunk) => call.output.write(chunk))
    return
  }
  const written = await writeRowsFile(call, result, format, options.output)
  call.note(`${counted(written.rows, 'row')} written to ${options.output} (${byteSize(written.bytes)})`)
  if (call.json) await call.output.write(jsonLine({ output: options.output, ...written }))
}

/** Writes a result to a file: in a folder of its own beside it, and renamed when it is complete. A device or a named pipe is written as it is. */
export async function writeRowsFile(
  call: Invocation,
  result: RowsResult,
  format: RowFormat,
  output: string,
): Promise<{ rows: number; bytes: number }> {
  const { path, regular } = await outputTarget(output)
  if (!regular) return { rows: await writeThrough(call, result, format, path).catch((error) => fail(error, output)), bytes: 0 }
  let folder: string | undefined
  try {
    folder = await mkdtemp(join(dirname(path), `.${basename(path).slice(0, 100)}-`))
    const staged = join(folder, 'rows')
    const rows = isBinary(format) ? (await result.writeTo(staged, { format })).rows : await writeThrough(call, result, format, staged)
    const { size } = await stat(staged)
    await rename(staged, path)
    return { rows, bytes: size }
  } catch (error) {
    return fail(error, output)
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
}

function chosenFormat(call: Invocation, { format, output }: RowsOptions): RowFormat {
  if (format !== undefined) return format
  if (output !== undefined && output !== '-') return extensions[extname(output).toLowerCase()] ?? 'ndjson'
  return call.output.isTerminal && !call.json ? 'table' : 'ndjson'
}

function isBinary(format: RowFormat): format is 'parquet' | 'arrow' {
  return format === 'parquet' || format === 'arrow'
}

async function produce(call: Invocation, result: RowsResult, format: RowFormat, take: Take, width = call.output.width): Promise<number> {
  if (isBinary(format)) return produceBinary(result, format, take)
  const schema = await result.schema()
  if (format === 'table') return writeTable(schema, result, take, { width, style: call.output.style })
  return { json: writeJson, ndjson: writeNdjson, csv: writeCsv }[format](schema, result, take)
}

async function produceBinary(result: RowsResult, format: 'parquet' | 'arrow', take: Take): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'varve-output-'))
  try {
    const path = join(folder, `rows.${format}`)
    const { rows } = await result.writeTo(path, { format })
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) await take(chunk)
    return rows
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function writeThrough(call: Invocation, result: RowsResult, format: RowFormat, path: string): Promise<number> {
  const file: FileHandle = await open(path, 'w')
  try {
    return await produce(call, result, format, async (chunk) => void (await file.writeFile(chunk)), undefined)
  } finally {
    await file.close()
  }
}

async function outputTarget(output: string): Promise<{ path: string; regular: boolean }> {
  const path = await realpath(output).catch(() => resolve(output))
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) throw new CommandLineError('OUTPUT_FAILED', `${output} is a folder.`, 'Name a file with --output.', 1)
  const folder = await stat(dirname(path)).catch(() => undefined)
  if (!folder?.isDirectory())
    throw new CommandLineError(
      'OUTPUT_FAILED',
      `There is no folder ${dirname(output)} for ${output}.`,
      'Make the folder first, or name another file.',
      1,
    )
  return { path, regular: found === undefined || found.isFile() }
}

/** Throws a failure of the file system while writing the output in our words, and any other as it is. */
function fail(error: unknown, output: string): never {
  if (!(error instanceof Error) || !('syscall' in error)) throw error
  throw new CommandLineError(
    'OUTPUT_FAILED',
    `${output} cannot be written: ${error.message}`,
    'Nothing was left behind. Name a file that can be written.',
    1,
  )
}
