/** Sets of rows of many files, gathered from pairs of a file and a row that come in any order. */
import { containerOfWords, wordsOfBits } from './container.ts'
import { RowSet } from './row-set.ts'

/** The rows that share a container. */
const span = 0x10000

/** Gathers rows file by file. */
export class RowSets {
  readonly #files = new Map<number, Map<number, Uint32Array>>()

  /** Takes rows in, each with its file. A row that comes twice counts once. */
  add(files: ArrayLike<number>, rows: ArrayLike<number>, length: number): void {
    let [lastFile, lastKey] = [-1, -1]
    let containers: Map<number, Uint32Array> | undefined
    let words: Uint32Array | undefined
    for (let i = 0; i < length; i++) {
      const [file, row] = [files[i]!, rows[i]!]
      if (file !== lastFile) {
        containers = this.#files.get(file)
        if (containers === undefined) {
          containers = new Map()
          this.#files.set(file, containers)
        }
        lastFile = file
        lastKey = -1
      }
      const key = Math.floor(row / span)
      if (key !== lastKey) {
        words = containers!.get(key)
        if (words === undefined) {
          words = new Uint32Array(wordsOfBits)
          containers!.set(key, words)
        }
        lastKey = key
      }
      words![(row % span) >>> 5]! |= 1 << (row & 31)
    }
  }

  /** The sets by file. What is gathered is taken over. */
  *sets(): Generator<readonly [file: number, rows: RowSet]> {
    for (const [file, containers] of this.#files) {
      const keys = [...containers.keys()].sort((a, b) => a - b)
      yield [file, RowSet.ofContainers(keys.map((key) => [key, containerOfWords(containers.get(key)!)!] as const))]
    }
  }
}
