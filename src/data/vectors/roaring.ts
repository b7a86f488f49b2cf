/**
 * The bytes of a set of rows, as deletion vectors hold it (§Deletion Vector Format): a magic number, how many 32-bit bitmaps follow, and
 * each with the upper half of its rows before it, in the portable format of roaring bitmaps. All numbers are little-endian.
 *
 * Reading believes nothing: every length is checked against the bytes that are there before memory is taken for it.
 */
import { type Container, mostInArray, withRuns, wordsOfBits } from './container.ts'
import { RowSet } from './row-set.ts'

/** The magic number of the format. */
const portableMagic = 1681511377

/** The magic number of a format that implementations used among themselves and the protocol does not allow. */
const nativeMagic = 1681511376

/** What a bitmap begins with: with containers of runs (and their number in the upper half), or without. */
const cookieWithRuns = 12347
const cookieWithoutRuns = 12346

/** With fewer containers than this, a bitmap that has runs tells no offsets. */
const fewContainers = 4

/** The greatest upper half of a row number that a JavaScript number holds exactly. */
const mostHigh = 2 ** 21 - 1

/** Bytes that are no set of rows; the message says why, as the rest of a sentence. */
export class RoaringError extends Error {}

/** Reads a set of rows. @throws RoaringError */
export function parseRows(bytes: Uint8Array): RowSet {
  const reader = new Reader(bytes)
  const magic = reader.uint32()
  if (magic === nativeMagic) throw new RoaringError('it is in the native format of roaring bitmaps, which the protocol does not allow')
  if (magic !== portableMagic) throw new RoaringError(`it begins with ${magic} and not with the magic number ${portableMagic}`)
  const bitmaps = reader.uint64()
  const entries: [number, Container][] = []
  let last = -1
  for (let i = 0; i < bitmaps; i++) {
    const high = reader.uint32()
    if (high <= last || high > mostHigh) throw new RoaringError(`its bitmap ${i} is for rows from ${high} * 2^32 on`)
    last = high
    readBitmap(reader, high * 65536, entries)
  }
  reader.end()
  return RowSet.ofContainers(entries)
}

function readBitmap(reader: Reader, firstKey: number, entries: [number, Container][]): void {
  const cookie = reader.uint32()
  const runs = (cookie & 0xffff) === cookieWithRuns
  if (!runs && cookie !== cookieWithoutRuns) throw new RoaringError(`one of its bitmaps begins with ${cookie}`)
  const count = runs ? (cookie >>> 16) + 1 : reader.uint32()
  if (count > 65536) throw new RoaringError(`one of its bitmaps has ${count} containers`)
  const isRun = runs ? reader.bytes(Math.ceil(count / 8)) : undefined
  const header = reader.uint16s(2 * count)
  if (!runs || count >= fewContainers) reader.bytes(4 * count)
  for (let i = 0; i < count; i++) {
    const [key, size] = [header[2 * i]!, header[2 * i + 1]! + 1]
    if (i > 0 && key <= header[2 * i - 2]!) throw new RoaringError('its containers are not in order')
    const container = isRun !== undefined && ((isRun[i >>> 3]! >>> (i & 7)) & 1) === 1 ? readRuns(reader) : readPlain(reader, size)
    if (container.size !== size) throw new RoaringError(`a container of ${size} rows holds ${container.size}`)
    entries.push([firstKey + key, container])
  }
}

function readPlain(reader: Reader, size: number): Container {
  if (size > mostInArray) {
    const words = reader.uint32s(wordsOfBits)
    let count = 0
    for (let word of words) for (; word !== 0; word &= word - 1) count += 1
    return { kind: 'bits', size: count, words }
  }
  const values = reader.uint16s(size)
  for (let i = 1; i < size; i++) if (values[i]! <= values[i - 1]!) throw new RoaringError('the rows of a container are not in order')
  return { kind: 'array', size, values }
}

function readRuns(reader: Reader): Container {
  const pairs = reader.uint16s(2 * reader.uint16())
  let size = 0
  let next = 0
  for (let i = 0; i < pairs.length; i += 2) {
    const [first, more] = [pairs[i]!, pairs[i + 1]!]
    if (first < next || first + more > 65535) throw new RoaringError('the runs of a container are not in order')
    next = first + more + 1
    size += more + 1
  }
  return { kind: 'runs', size, pairs }
}

/** The bytes of a set of rows, in the shortest form that the format has. */
export function serialiseRows(rows: RowSet): Uint8Array {
  const bitmaps = new Map<number, (readonly [key: number, container: Container])[]>()
  for (const [key, container] of rows.containers()) {
    const high = Math.floor(key / 65536)
    const bitmap = bitmaps.get(high) ?? []
    bitmaps.set(high, bitmap)
    bitmap.push([key % 65536, withRuns(container)])
  }
  const parts: Uint8Array[] = [new Uint8Array(12)]
  const head = new DataView(parts[0]!.buffer)
  head.setUint32(0, portableMagic, true)
  head.setBigUint64(4, BigInt(bitmaps.size), true)
  for (const [high, containers] of bitmaps) parts.push(bytesOf32(high), ...bitmapBytes(containers))
  return Buffer.concat(parts)
}

function bitmapBytes(containers: readonly (readonly [key: number, container: Container])[]): Uint8Array[] {
  const count = containers.length
  const runs = containers.some(([, { kind }]) => kind === 'runs')
  const flags = new Uint8Array(runs ? Math.ceil(count / 8) : 0)
  const header = new Uint16Array(2 * count)
  const bodies = containers.map(([key, container], i) => {
    header.set([key, container.size - 1], 2 * i)
    if (container.kind !== 'runs') return bytesOfArray(container.kind === 'bits' ? container.words : container.values)
    flags[i >>> 3]! |= 1 << (i & 7)
    return Buffer.concat([bytesOfArray(Uint16Array.of(container.pairs.length / 2)), bytesOfArray(container.pairs)])
  })
  const parts = runs ? [bytesOf32(cookieWithRuns | ((count - 1) << 16)), flags] : [bytesOf32(cookieWithoutRuns), bytesOf32(count)]
  parts.push(bytesOfArray(header))
  if (!runs || count >= fewContainers) {
    const offsets = new Uint32Array(count)
    let offset = parts.reduce((sum, { length }) => sum + length, 0) + 4 * count
    for (const [i, { length }] of bodies.entries()) {
      offsets[i] = offset
      offset += length
    }
    parts.push(bytesOfArray(offsets))
  }
  return [...parts, ...bodies]
}

function bytesOf32(value: number): Uint8Array {
  return bytesOfArray(Uint32Array.of(value))
}

/** Every machine that the engine runs on is little-endian, as the format is. */
function bytesOfArray(array: Uint16Array | Uint32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

/** Bytes, one after the other; whoever asks for more than there are is told so. */
class Reader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  uint16(): number {
    return this.#view.getUint16(this.#take(2), true)
  }

  uint32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  /** A count, which is checked by whoever reads so many. */
  uint64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), true))
  }

  bytes(length: number): Uint8Array {
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  uint16s(count: number): Uint16Array {
    return new Uint16Array(this.#copy(2 * count))
  }

  uint32s(count: number): Uint32Array {
    return new Uint32Array(this.#copy(4 * count))
  }

  /** Nothing but padding may follow. */
  end(): void {
    if (this.#bytes.subarray(this.#at).some((byte) => byte !== 0)) throw new RoaringError('more follows behind its last bitmap')
  }

  #copy(length: number): ArrayBuffer {
    return new Uint8Array(this.bytes(length)).buffer
  }

  #take(length: number): number {
    const start = this.#at
    if (start + length > this.#bytes.length) throw new RoaringError('it ends too early')
    this.#at = start + length
    return start
  }
}
