/** Hands finished data files over to the store: hashed, durable, and taken back together when the write fails. */
import { systemFailure } from '../../storage/failures.ts'
import { beginHash, hashBytes } from '../../storage/index.ts'
import { newDataFileKey } from './data-file-names.ts'
import type { StagedFile } from './write-copy.ts'
import type { SmallFile } from './write-small.ts'
import type { DataFile, WriteTarget } from './write-target.ts'

/** How many files are on their way at once. */
const parallel = 4

/** The files of one write. */
export class Publisher {
  /** What is in the store, in the order in which it was written. */
  readonly files: DataFile[] = []
  readonly #target: WriteTarget
  readonly #begun: string[] = []

  constructor(target: WriteTarget) {
    this.#target = target
  }

  /** Stores files that are in memory, or begins to, where the target says who waits for them. */
  async putSmall(files: readonly SmallFile[]): Promise<void> {
    const { unfinished, store, signal } = this.#target
    if (unfinished) {
      for (const file of files) {
        const key = newDataFileKey(file.partitionValues, this.#target.purpose)
        const put = store.put(key, file.bytes, { signal })
        // Whoever waits for it hears of a failure; nobody may hear of it twice.
        put.catch(() => undefined)
        unfinished.push(put)
        this.files.push({
          path: key,
          size: file.bytes.byteLength,
          modificationTime: Date.now(),
          ...facts(file),
          sha256: hashBytes(file.bytes),
        })
      }
      return
    }
    await this.#each(files, async (file, key) => {
      const sha256 = hashBytes(file.bytes)
      const meta = await this.#target.store.put(key, file.bytes, { signal: this.#target.signal })
      return { path: key, size: file.bytes.byteLength, modificationTime: meta.modified.getTime(), ...facts(file), sha256 }
    })
  }

  /** Stores staged files; they are gone from the staging folder then. */
  async putStaged(files: readonly StagedFile[]): Promise<void> {
    await this.#each(files, async (file, key) => {
      // The hash is computed while the disk syncs.
      const { size, sha256 } = await beginHash(file.localPath).catch((error: unknown) => {
        throw systemFailure(error, 'read', key, this.#target.store.root)
      })
      const stored = this.#target.store.put(key, { path: file.localPath, size }, { signal: this.#target.signal })
      const [meta, hash] = [await stored.finally(() => sha256.catch(() => undefined)), await sha256]
      return { path: key, size, modificationTime: meta.modified.getTime(), ...facts(file), sha256: hash }
    })
  }

  /** Removes what was stored, as far as the store lets it: no version names it, so what stays does no harm. */
  async takeBack(): Promise<void> {
    if (this.#begun.length > 0) await this.#target.store.delete(this.#begun).catch(() => undefined)
  }

  async #each<T extends SmallFile | StagedFile>(files: readonly T[], put: (file: T, key: string) => Promise<DataFile>): Promise<void> {
    const stored = new Array<DataFile>(files.length)
    let next = 0
    let failed = false
    const work = async (): Promise<void> => {
      while (next < files.length && !failed) {
        const index = next
        next += 1
        const key = newDataFileKey(files[index]!.partitionValues, this.#target.purpose)
        this.#begun.push(key)
        try {
          stored[index] = await put(files[index]!, key)
        } catch (error) {
          failed = true
          throw error
        }
      }
    }
    // All have to end before anything is taken back.
    const ended = await Promise.allSettled(Array.from({ length: Math.min(parallel, files.length) }, work))
    const failure = ended.find((result) => result.status === 'rejected')
    if (failure !== undefined) throw failure.reason
    this.files.push(...stored)
  }
}

function facts(file: SmallFile | StagedFile): Pick<DataFile, 'partitionValues' | 'stats' | 'numRecords'> {
  return { partitionValues: file.partitionValues, stats: file.stats, numRecords: file.numRecords }
}
