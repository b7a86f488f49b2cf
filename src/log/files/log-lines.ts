/**
 * The lines of commits and compactions, each file read once: lines about files go to the engine as Arrow batches, as text; those that
 * say anything else (protocol, metadata, transactions, domains) are few and are parsed here.
 *
 * Opening a hundred thousand small files in the engine costs several times what reading them costs, and a line of any length is no
 * matter this way.
 */
import { isUtf8 } from 'node:buffer'
import { Field, Int64, makeData, RecordBatch, Schema, Struct, Utf8 } from 'apache-arrow'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { Action } from '../actions.ts'
import { parseLine, parseObject } from '../commit.ts'

/** A file of lines, and the version that its actions count as. */
export interface LogFile {
  readonly key: string
  readonly version: number
}

/** An action that is not of a file. */
export interface SmallEntry {
  readonly version: number
  readonly action: Action
}

/** Columns of the batches; `id` counts the lines. */
export const lineSchema = new Schema([
  new Field('id', new Int64(), false),
  new Field('version', new Int64(), false),
  new Field('line', new Utf8(), false),
])

/** Bytes of the lines of a batch. */
export function bytesOf(batch: RecordBatch): number {
  return (batch.getChildAt(2)!.data[0]!.values as Uint8Array).length
}

/** Files read at a time, and bytes of a batch at least. */
const together = 64
const batchBytes = 8 << 20

const [newline, closingBrace] = [0x0a, 0x7d]

/**
 * Lines about files as batches, those about change files only where they are wanted; everything else is put into `small`, in order.
 * @throws LogError LOG_CORRUPT, ObjectNotFoundError
 */
export async function* readLines(
  store: ObjectStore,
  files: readonly LogFile[],
  small: SmallEntry[],
  options: { readonly firstId?: number; readonly changeFiles?: boolean; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<RecordBatch> {
  const { firstId = 0, changeFiles = false, signal } = options
  let lines = new Lines(firstId)
  for (let at = 0; at < files.length; at += together) {
    const some = files.slice(at, at + together)
    const read = await Promise.all(some.map(({ key }) => store.get(key, { signal })))
    for (const [index, { bytes }] of read.entries()) sort(bytes, some[index]!.version, lines, small, changeFiles)
    if (lines.bytes < batchBytes) continue
    yield lines.batch()
    lines = new Lines(lines.nextId)
  }
  if (lines.count > 0) yield lines.batch()
}

function sort(read: Uint8Array, version: number, lines: Lines, small: SmallEntry[], changeFiles: boolean): void {
  const bytes = isUtf8(read)
    ? Buffer.from(read.buffer, read.byteOffset, read.byteLength)
    : Buffer.from(new TextDecoder('utf-8', { ignoreBOM: true }).decode(read))
  let number = 0
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(newline, start)
    const end = found < 0 ? bytes.length : found
    number += 1
    const line = bytes.subarray(start, end)
    start = end + 1
    const begins = line.toString('latin1', 0, 14)
    if (begins.startsWith('{"add":{') || begins.startsWith('{"remove":{')) {
      lines.add(version, line)
      continue
    }
    const isSkipped = begins.startsWith('{"commitInfo":') || (begins.startsWith('{"cdc":{') && !changeFiles)
    if (isSkipped) {
      // What was torn off shows in the last line; any other is believed by its end.
      if (found < 0 || start >= bytes.length || !endsObject(line)) parseObject(line.toString(), version, number)
      continue
    }
    const text = line.toString()
    if (text.trim() === '') continue
    const action = parseLine(text, version, number)
    if ('add' in action || 'remove' in action || (changeFiles && 'cdc' in action)) lines.add(version, line)
    if ('protocol' in action || 'metaData' in action || 'txn' in action || 'domainMetadata' in action) {
      small.push({ version, action })
    }
  }
}

/** Whether a line ends as an object does. */
function endsObject(line: Buffer): boolean {
  return line[line.length - 1] === closingBrace
}

/** Lines that have been gathered for a batch. */
class Lines {
  readonly #versions: number[] = []
  readonly #lines: Uint8Array[] = []
  readonly #firstId: number
  bytes = 0

  constructor(firstId: number) {
    this.#firstId = firstId
  }

  get nextId(): number {
    return this.#firstId + this.count
  }

  get count(): number {
    return this.#lines.length
  }

  add(version: number, line: Uint8Array): void {
    this.#versions.push(version)
    this.#lines.push(line)
    this.bytes += line.length
  }

  batch(): RecordBatch {
    const length = this.count
    const data = Buffer.concat(this.#lines, this.bytes)
    const valueOffsets = new Int32Array(length + 1)
    for (let i = 0; i < length; i++) valueOffsets[i + 1] = valueOffsets[i]! + this.#lines[i]!.length
    const ids = makeData({ type: new Int64(), length, data: BigInt64Array.from({ length }, (_, i) => BigInt(this.#firstId + i)) })
    const versions = makeData({ type: new Int64(), length, data: BigInt64Array.from(this.#versions, BigInt) })
    const lines = makeData({ type: new Utf8(), length, valueOffsets, data })
    return new RecordBatch(lineSchema, makeData({ type: new Struct(lineSchema.fields), length, children: [ids, versions, lines] }))
  }
}
