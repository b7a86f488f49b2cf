/**
 * Files that a verification on this machine found right, so that a look before each of many uses need not hash them again.
 *
 *   $XDG_CACHE_HOME/varve/verified/<SHA-256 of the table's URL>.json     `{ root, files: { path: [token, sha256] } }`
 *
 * Such a record may lie: it may be old, copied, or forged. So it is believed of a file only where
 * - the hash that was found then is the one that the log, or a record of the table, has;
 * - the disk says that it is the very file and that nothing was done to it since: device, inode, length, time of modification, and time of
 *   change, which no program can set back. A file that is young when it is hashed is not recorded: a write in the same instant would not show;
 * - no other name leads to it (a hard link of a cache, through which another may write);
 * - chance does not choose it: some files are hashed each time, and where one of them is wrong, all are.
 *
 * It does not see what the disk itself does not know of: bytes that rot without a write are found only when they are chosen, or by a full
 * verification.
 */
import { lstatSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { v4 as uuid } from 'uuid'
import { parseJson } from '../../schema/json.ts'
import { hashBytes, type ObjectStore, type Place } from '../../storage/index.ts'
import { machineCache } from '../cache/file-cache.ts'

/** One of so many believed files is hashed all the same, and one at least. */
const sample = 50

/** A file that was written so shortly before it was hashed is not recorded, in milliseconds. */
const tooYoung = 2000

type Entry = readonly [token: string, sha256: string]

/** What is recorded of a table's files. */
export class VerifiedFiles {
  /** How many files were not hashed. */
  believed = 0
  readonly #file: string
  readonly #root: string
  readonly #entries: Map<string, Entry>
  /** Candidates until the next one that is hashed all the same. */
  #untilSample: number
  #changed = false

  private constructor(file: string, root: string, entries: Map<string, Entry>) {
    this.#file = file
    this.#root = root
    this.#entries = entries
    this.#untilSample = Math.floor(Math.random() * Math.min(sample, Math.max(1, entries.size)))
  }

  /** What is recorded of the table in a store; nothing where it is in no local folder. */
  static async open(store: ObjectStore): Promise<VerifiedFiles | undefined> {
    if (store.kind !== 'local') return undefined
    const file = join(machineCache().folder, 'verified', `${hashBytes(new TextEncoder().encode(store.root))}.json`)
    return new VerifiedFiles(file, store.root, await readEntries(file, store.root))
  }

  /** Whether a file can be believed to have a hash. */
  isKnown(place: Place, sha256: string): boolean {
    const path = pathOf(place)
    const entry = path === undefined ? undefined : this.#entries.get(path)
    if (path === undefined || entry === undefined || entry[1] !== sha256 || entry[0] !== tokenOf(path)) return false
    this.#untilSample -= 1
    if (this.#untilSample < 0) {
      this.#untilSample = sample - 1
      return false
    }
    this.believed += 1
    return true
  }

  /** Takes note of a file that was found right; `began`: when its hashing began, in milliseconds. */
  note(place: Place, sha256: string, began: number): void {
    const path = pathOf(place)
    const token = path === undefined ? undefined : tokenOf(path, began - tooYoung)
    if (path === undefined || token === undefined || this.#entries.get(path)?.[0] === token) return
    this.#entries.set(path, [token, sha256])
    this.#changed = true
  }

  /** Forgets all. */
  forget(): void {
    this.believed = 0
    this.#entries.clear()
    this.#changed = true
  }

  /** Writes down what is new. A folder that cannot be written to costs only time. */
  async save(): Promise<void> {
    if (!this.#changed) return
    const begun = `${this.#file}.${uuid()}`
    try {
      await mkdir(dirname(this.#file), { recursive: true })
      await writeFile(begun, JSON.stringify({ root: this.#root, files: Object.fromEntries(this.#entries) }))
      await rename(begun, this.#file)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error
    }
  }
}

async function readEntries(file: string, root: string): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  try {
    const value = parseJson(await readFile(file, 'utf8')) as { root?: unknown; files?: Record<string, unknown> }
    if (value?.root !== root || typeof value.files !== 'object' || value.files === null) return entries
    for (const [path, entry] of Object.entries(value.files)) {
      const [token, sha256] = Array.isArray(entry) ? entry : []
      if (typeof token === 'string' && typeof sha256 === 'string') entries.set(path, [token, sha256])
    }
  } catch {
    // What cannot be read says nothing.
  }
  return entries
}

function pathOf({ store, key }: Place): string | undefined {
  return store.kind === 'local' ? join(fileURLToPath(store.root), key) : undefined
}

/** What tells a file from any other, and from itself after a write; `undefined` where it cannot be told, or changed after `before` (milliseconds). */
function tokenOf(path: string, before?: number): string | undefined {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs, nlink } = lstatSync(path, { bigint: true })
    const newest = Math.max(Number(mtimeNs / 1_000_000n), Number(ctimeNs / 1_000_000n))
    if (nlink !== 1n || (before !== undefined && newest > before)) return undefined
    return [dev, ino, size, mtimeNs, ctimeNs].map((each) => each.toString(36)).join('-')
  } catch {
    return undefined
  }
}
