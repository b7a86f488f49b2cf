/** What is wrong with files that were to be moved. */
import { DataFileError } from '../../errors/index.ts'
import { shellWord } from '../../errors/shell-word.ts'
import type { ObjectStore } from '../../storage/index.ts'
import type { FileToMove } from './files-to-move.ts'

/** Names of missing files in a message. */
const mostNamed = 20

/** The error for files that a version needs and that are not there. */
export function missingFiles(store: ObjectStore, missing: readonly string[]): DataFileError {
  const named = `${missing.slice(0, mostNamed).join(', ')}${missing.length > mostNamed ? ', ...' : ''}`
  const [are, count] = missing.length === 1 ? ['is', '1 file'] : ['are', `${missing.length} files`]
  return new DataFileError(
    'DATA_FILE_MISSING',
    `${count} of ${store.root} ${are} missing: ${named}. No version that needs ${missing.length === 1 ? 'it' : 'them'} was moved.`,
    {
      remedy: 'Where a vacuum ran meanwhile, run this again; else put the files back: varve verify --repair-from, or varve pull --history.',
      data: { root: store.root, missing: missing.slice(0, mostNamed) },
    },
  )
}

/** The error for a file that is not what was written. */
export function corruptFile(
  store: ObjectStore,
  { key, size, version }: FileToMove,
  found: number,
  sha256: string,
  known?: string,
): DataFileError {
  const what =
    size !== undefined && found !== size ? `it has ${found} bytes, and the log says ${size}` : `its SHA-256 is ${sha256}, and was ${known}`
  return new DataFileError('DATA_FILE_CORRUPT', `${key} of ${store.root} is not the file that was written: ${what}. It was not moved.`, {
    remedy: 'Look with varve verify what is damaged, and mend it from a copy: varve verify --repair-from.',
    data: { path: key, version, root: store.root },
  })
}

/** The error for a name that is taken by other bytes. */
export function differingFile(store: ObjectStore, key: string): DataFileError {
  return new DataFileError('DATA_FILE_DIFFERS', `${key} lies at ${store.root} already, with other bytes than the version needs.`, {
    remedy: 'Look at what it is, and move it away; it is not overwritten.',
    data: { path: key, root: store.root },
  })
}

/** The error for a file that is here and has another length than the log says. */
export function cutOff(
  { root }: ObjectStore,
  key: string,
  { there, size, remote }: { readonly there: number; readonly size: number | undefined; readonly remote: string },
): DataFileError {
  const message = `${key} of ${root} is not the file that was written: it has ${there} bytes, and the log says ${size}. Nothing was moved.`
  return new DataFileError('DATA_FILE_CORRUPT', message, {
    remedy: `Mend it (varve verify --repair-from ${shellWord(remote)}), or move it away, and pull again.`,
    data: { path: key, root },
  })
}
