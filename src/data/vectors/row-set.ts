/**
 * An immutable set of physical row numbers of one data file: which rows a deletion vector deletes, or which ones a reader wants. Numbers
 * count from 0 in the order of the file, before any filter. Kept as roaring containers, so that it needs about as much memory as the
 * vector that it was read from.
 */
import {
  type Container,
  containerOfWords,
  differenceOf,
  firstValue,
  hasValue,
  lastValue,
  unionOf,
  valuesOf,
  wordsOfBits,
} from './container.ts'

/** The numbers that share a container. */
const span = 0x10000

/** A set of physical row numbers. */
export class RowSet {
  /** The set without rows. */
  static get empty(): RowSet {
    return new RowSet([], [])
  }

  /** How many rows are in it. */
  readonly size: number
  readonly #keys: readonly number[]
  readonly #containers: readonly Container[]

  private constructor(keys: readonly number[], containers: readonly Container[]) {
    this.#keys = keys
    this.#containers = containers
    this.size = containers.reduce((sum, { size }) => sum + size, 0)
  }

  /** A set of row numbers in any order; one that comes twice counts once. @throws RangeError for what is no row number */
  static of(rows: Iterable<number>): RowSet {
    const words = new Map<number, Uint32Array>()
    for (const row of rows) {
      if (!Number.isSafeInteger(row) || row < 0) throw new RangeError(`${row} is no row number`)
      const key = Math.floor(row / span)
      const bits = words.get(key) ?? new Uint32Array(wordsOfBits)
      words.set(key, bits)
      bits[(row % span) >>> 5]! |= 1 << (row & 31)
    }
    const keys = [...words.keys()].sort((a, b) => a - b)
    return RowSet.ofContainers(keys.map((key) => [key, containerOfWords(words.get(key)!)!]))
  }

  /** A set of containers by the upper bits of their rows (the row divided by 65,536), ascending. */
  static ofContainers(entries: Iterable<readonly [key: number, container: Container]>): RowSet {
    const [keys, containers]: [number[], Container[]] = [[], []]
    for (const [key, container] of entries) {
      keys.push(key)
      containers.push(container)
    }
    return new RowSet(keys, containers)
  }

  /** The least row number; Infinity for the empty set. */
  get first(): number {
    const container = this.#containers[0]
    return container === undefined ? Infinity : this.#keys[0]! * span + firstValue(container)
  }

  /** The greatest row number; -1 for the empty set. */
  get last(): number {
    const container = this.#containers.at(-1)
    return container === undefined ? -1 : this.#keys.at(-1)! * span + lastValue(container)
  }

  /** Whether a row is in it. */
  has(row: number): boolean {
    const place = this.#placeOf(Math.floor(row / span))
    return place >= 0 && hasValue(this.#containers[place]!, row % span)
  }

  /** The rows in either. */
  union(other: RowSet): RowSet {
    return this.#merged(other, (left, right) => (left === undefined ? right : right === undefined ? left : unionOf(left, right)))
  }

  /** The rows of this set that are not in the other. */
  difference(other: RowSet): RowSet {
    return this.#merged(other, (left, right) => (left === undefined || right === undefined ? left : differenceOf(left, right)))
  }

  /** The containers and the upper bits of their rows, ascending. */
  *containers(): Generator<readonly [key: number, container: Container], void, undefined> {
    for (const [index, container] of this.#containers.entries()) yield [this.#keys[index]!, container]
  }

  /** The rows, ascending, some at a time. */
  *batches(): Generator<Float64Array, void, undefined> {
    for (const [key, container] of this.containers()) yield Float64Array.from(valuesOf(container), (value) => key * span + value)
  }

  /** The rows, ascending. */
  *[Symbol.iterator](): Generator<number, void, undefined> {
    for (const batch of this.batches()) yield* batch
  }

  #placeOf(key: number): number {
    let [low, high] = [0, this.#keys.length - 1]
    while (low <= high) {
      const middle = (low + high) >>> 1
      if (this.#keys[middle]! === key) return middle
      if (this.#keys[middle]! < key) low = middle + 1
      else high = middle - 1
    }
    return -1
  }

  #merged(other: RowSet, merge: (left: Container | undefined, right: Container | undefined) => Container | undefined): RowSet {
    const entries: [number, Container][] = []
    let [mine, theirs] = [0, 0]
    while (mine < this.#keys.length || theirs < other.#keys.length) {
      const [left = Infinity, right = Infinity] = [this.#keys[mine], other.#keys[theirs]]
      const merged = merge(left <= right ? this.#containers[mine++] : undefined, right <= left ? other.#containers[theirs++] : undefined)
      if (merged !== undefined) entries.push([Math.min(left, right), merged])
    }
    return RowSet.ofContainers(entries)
  }
}
