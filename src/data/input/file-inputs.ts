/**
 * The files that rows are read from, as the version tells of them: name, length and SHA-256. They are hashed beside the reading, which
 * nothing here makes fail; a file that can be read but once is not read here.
 */
import { createHash } from 'node:crypto'
import type { VersionInput } from '../../log/actions.ts'
import { hashFiles, type InputStat } from '../../storage/index.ts'
import type { OpenOptions } from './open-options.ts'
import type { Inputs } from './source.ts'

/** Files being hashed. */
export interface FileInputs {
  readonly inputs: Inputs
  /** Ends the hashing: nobody asks any more. */
  stop(): void
}

/** Begins to hash files, where that is asked for. `names`: what each is called, in the order of the files. */
export function fileInputs(
  files: readonly InputStat[],
  names: readonly string[],
  { hashInputs = false, signal }: Pick<OpenOptions, 'hashInputs' | 'signal'>,
): FileInputs {
  const stopped = new AbortController()
  const either = signal === undefined ? stopped.signal : AbortSignal.any([signal, stopped.signal])
  const hashed = hashInputs ? hashesOf(files, either) : Promise.resolve(new Map<string, Hashed>())
  return {
    inputs: async () => {
      const known = await hashed
      return files.map((file, at): VersionInput => {
        const name = names[at]!
        if (file.once) return { file: name }
        return { file: name, bytes: file.size, ...known.get(file.path) }
      })
    },
    stop: () => stopped.abort(),
  }
}

/** Passes a stream on, and tells its hash when it has come to its end. */
export function hashedStream(stream: AsyncIterable<Uint8Array>, name: string): { stream: AsyncIterable<Uint8Array>; inputs: Inputs } {
  const hash = createHash('sha256')
  let bytes = 0
  let ended: Hashed | undefined
  const passed = async function* () {
    for await (const piece of stream) {
      hash.update(piece)
      bytes += piece.length
      yield piece
    }
    ended = { bytes, sha256: hash.digest('hex') }
  }
  return { stream: passed(), inputs: async () => [{ file: name, ...ended }] }
}

interface Hashed {
  readonly bytes: number
  readonly sha256: string
}

async function hashesOf(files: readonly InputStat[], signal: AbortSignal): Promise<ReadonlyMap<string, Hashed>> {
  const wanted = files.filter(({ once }) => !once)
  const known = new Map<string, Hashed>()
  try {
    const found = await hashFiles(
      wanted.map(({ path }) => path),
      wanted.reduce((sum, { size }) => sum + size, 0),
      // The engine has the other cores.
      { threads: 1, signal },
    )
    for (const [at, file] of found.entries()) {
      if ('sha256' in file) known.set(wanted[at]!.path, { bytes: file.size, sha256: file.sha256 })
    }
  } catch {
    // It was stopped, or there is no thread to be had: nothing is known then.
  }
  return known
}
