/**
 * Copies of files from one store into another, each compared with what it was by its hash: where it lies is hashed, and not what was sent.
 *
 * What is there already is not copied again, and hashed all the same. A local file shares its blocks with its copy where the file system can.
 */
import { constants, copyFile, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { v4 as uuid } from 'uuid'
import { AbortedError, DataFileError, ObjectCorruptError, ObjectNotFoundError } from '../../errors/index.ts'
import { allEnded, hashFile, hashFiles, type ObjectStore } from '../../storage/index.ts'
import type { NamedFile } from './named-files.ts'

/** Files copied at a time. */
const together = 64

/** How copies are made. */
export interface CopyOptions {
  /** Called with the number of files that are copied and compared. */
  readonly onProgress?: ((files: number) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Copies files under their keys. @throws DataFileError DATA_FILE_MISSING, DATA_FILE_CORRUPT; ObjectCorruptError; AbortedError; storage errors */
export async function copyFiles(from: ObjectStore, to: ObjectStore, files: readonly NamedFile[], options: CopyOptions): Promise<void> {
  for (let at = 0; at < files.length; at += together) {
    if (options.signal?.aborted) throw new AbortedError('Copying files', options.signal.reason)
    const some = files.slice(at, at + together)
    const expected = await copySome(from, to, some, options.signal)
    await compare(to, some, expected, options.signal)
    options.onProgress?.(at + some.length)
  }
}

/** Gives a copy the time of its original, where the store lets it: a local folder does. */
export async function keepTime(store: ObjectStore, key: string, modified: Date): Promise<void> {
  if (store.kind === 'local') await utimes(join(fileURLToPath(store.root), key), modified, modified)
}

/** A file that is there now. */
interface Copied {
  /** The hash that it must have, where that is known. */
  readonly sha256: string | undefined
  /** Whether it was made just now. */
  readonly fresh: boolean
}

async function copySome(
  from: ObjectStore,
  to: ObjectStore,
  files: readonly NamedFile[],
  signal: AbortSignal | undefined,
): Promise<Copied[]> {
  const staging = await to.stage()
  try {
    return await allEnded(files.map((file) => copyOne(from, to, file, staging.folder, signal)))
  } finally {
    await staging.dispose()
  }
}

async function copyOne(
  from: ObjectStore,
  to: ObjectStore,
  { path, bytes, sha256 }: NamedFile,
  staging: string,
  signal: AbortSignal | undefined,
): Promise<Copied> {
  const there = (await to.head(path, { signal })) !== undefined
  if (there && sha256 !== undefined) return { sha256, fresh: false }
  const pinned = await from.materialise([path], { signal }).catch((error: unknown) => {
    // An earlier run may have taken it from here, once it was there and compared.
    if (error instanceof ObjectNotFoundError && there) return undefined
    throw error instanceof ObjectNotFoundError ? missing(from, path, error) : error
  })
  if (pinned === undefined) return { sha256, fresh: false }
  try {
    const source = pinned.paths[0]!
    const { size } = await stat(source)
    if (bytes !== undefined && size !== bytes) throw damaged(from, path, `it has ${size} bytes, and the log says ${bytes}`)
    if (!there) {
      const copy = join(staging, uuid())
      await copyFile(source, copy, constants.COPYFILE_FICLONE)
      await to.putIfAbsent(path, { path: copy, size }, { signal })
    }
    return { sha256: sha256 ?? (await hashFile(source)).sha256, fresh: !there }
  } finally {
    await pinned.release()
  }
}

async function compare(
  to: ObjectStore,
  files: readonly NamedFile[],
  expected: readonly Copied[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const pinned = await to.materialise(
    files.map(({ path }) => path),
    { signal },
  )
  try {
    const bytes = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0)
    const wrong: { readonly path: string; readonly cause: unknown }[] = []
    for (const [place, hashed] of (await hashFiles(pinned.paths, bytes, { signal })).entries()) {
      const { path } = files[place]!
      const { sha256, fresh } = expected[place]!
      const isRight = !('error' in hashed) && (sha256 === undefined || hashed.sha256 === sha256)
      if (isRight) continue
      if (fresh) await to.delete([path])
      wrong.push({ path, cause: 'error' in hashed ? hashed.error : undefined })
    }
    if (wrong[0]) throw differs(to, wrong[0].path, wrong[0].cause)
  } finally {
    await pinned.release()
  }
}

function missing(store: ObjectStore, path: string, cause: unknown): DataFileError {
  return new DataFileError(
    'DATA_FILE_MISSING',
    `The file ${path} of ${store.root} is missing, so it cannot be copied. Nothing was deleted.`,
    {
      remedy: 'Restore the file from a copy of the table.',
      data: { path, root: store.root },
      cause,
    },
  )
}

function damaged(store: ObjectStore, path: string, why: string): DataFileError {
  return new DataFileError('DATA_FILE_CORRUPT', `The file ${path} of ${store.root} is damaged: ${why}. Nothing was deleted.`, {
    remedy: 'Look with varve verify which files are damaged, and restore them from a copy.',
    data: { path, root: store.root },
  })
}

function differs(store: ObjectStore, path: string, cause?: unknown): ObjectCorruptError {
  return new ObjectCorruptError(
    'OBJECT_CORRUPT',
    `The copy of ${path} in ${store.root} is not the file that was written. Nothing was deleted.`,
    {
      remedy: 'Look with varve verify whether the original is whole, and the copy where there is one; then run it again.',
      data: { path, root: store.root },
      cause,
    },
  )
}
