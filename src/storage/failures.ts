/** What went wrong underneath, as the error for the reaction that it asks of the user. */
import {
  AbortedError,
  DataFileError,
  InvalidRangeError,
  ObjectCorruptError,
  ObjectNotFoundError,
  PreconditionError,
  StoreDeniedError,
  StoreFullError,
  StoreUnreachableError,
  TableExistsError,
  UnsafeStoreError,
  VarveError,
} from '../errors/index.ts'
import { invalidKey } from './keys.ts'

/** The `code` of a system call's failure (`ENOENT`), or `undefined` for any other error. */
export function errnoOf(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  return typeof code === 'string' && !(error instanceof VarveError) ? code : undefined
}

/** The error for a failed system call. An error of ours comes back as it is. `key` is `''` for the root itself. */
export function systemFailure(error: unknown, doing: 'read' | 'write' | 'delete' | 'list', key: string, root: string): VarveError {
  if (error instanceof VarveError) return error
  const errno = errnoOf(error) ?? 'unknown'
  const where = key === '' ? root : `${key} in ${root}`
  const data = { key, root, errno }
  switch (errno) {
    case 'ENOENT':
    case 'ELOOP':
      return notFound(key, root, error)
    case 'EACCES':
    case 'EPERM':
    case 'EROFS': {
      const why = errno === 'EROFS' ? 'the file system is read-only' : 'permission is denied'
      return new StoreDeniedError('STORE_DENIED', `Could not ${doing} ${where}: ${why}.`, {
        remedy: `Give this user the right to ${doing} there, or name another folder.`,
        data,
        cause: error,
      })
    }
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new StoreFullError('STORE_FULL', `Could not ${doing} ${where}: no space is left.`, {
        remedy: 'Free some space or raise the quota, and run it again; nothing was changed.',
        data,
        cause: error,
      })
    case 'ENAMETOOLONG':
      return invalidKey(key, 'the file system takes no name that long')
    case 'ENOTDIR':
    case 'EISDIR':
    case 'ENOTEMPTY':
    case 'EEXIST':
      return invalidKey(key, 'a file stands where it needs a folder, or a folder where it needs a file')
    default:
      return new StoreUnreachableError('STORE_UNREACHABLE', `Could not ${doing} ${where}: ${errno}.`, {
        remedy: 'Look at the disk, its mount and the limit of open files, and run it again.',
        data,
        cause: error,
      })
  }
}

/** No object under that key. */
export function notFound(key: string, root: string, cause?: unknown): ObjectNotFoundError {
  return new ObjectNotFoundError('OBJECT_NOT_FOUND', key === '' ? `There is no ${root}.` : `There is no ${key} in ${root}.`, {
    remedy: 'Check the name; if a table refers to it, it was deleted by other means than the table.',
    data: { key, root },
    cause,
  })
}

/** The root of a store is a file. */
export function notAFolder(root: string): TableExistsError {
  return new TableExistsError('NOT_A_FOLDER', `${root} is a file, not a folder.`, {
    remedy: 'Name a folder: a table is one.',
    data: { root },
  })
}

/** A symbolic link leads out of the root. */
export function outsideRoot(key: string, root: string): DataFileError {
  return new DataFileError('PATH_OUTSIDE_ROOT', `${key} in ${root} leads out of that folder through a symbolic link.`, {
    remedy: 'Replace the link by what it points to, or open the folder that really holds the files.',
    data: { key, root },
  })
}

/** The file system cannot create a name only where there is none. */
export function unsafeStore(root: string, why: string, cause?: unknown): UnsafeStoreError {
  return new UnsafeStoreError('STORE_UNSAFE', `${root} cannot keep a table safe: ${why}.`, {
    remedy: 'Put the table on a file system with hard links, such as ext4, XFS, Btrfs or APFS.',
    data: { root },
    cause,
  })
}

/** Fewer, more or other bytes than there should be. */
export function corrupt(key: string, root: string, what: string): ObjectCorruptError {
  return new ObjectCorruptError('OBJECT_CORRUPT', `${key} in ${root} is damaged: ${what}.`, {
    remedy: 'Run it again; if it stays, restore the object from a copy.',
    data: { key, root },
  })
}

/** Checks that a range is one, and lies within an object of `size` bytes. @throws InvalidRangeError */
export function checkRange(key: string, start: number, end: number, size: number): void {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= size) return
  throw new InvalidRangeError('RANGE_INVALID', `Bytes ${start} to ${end} of ${key} do not exist: it has ${size}.`, {
    remedy: 'The object is shorter than its table says: restore it from a copy.',
    data: { key, start, end, size },
  })
}

/** Checks an `ifMatch`. @throws PreconditionError */
export function checkMatch(key: string, etag: string, ifMatch: string | undefined): void {
  if (ifMatch === undefined || ifMatch === etag) return
  throw new PreconditionError('PRECONDITION_FAILED', `${key} is no longer what it was when it was first read.`, {
    remedy: 'Read it from the start again.',
    data: { key },
  })
}

/** @throws AbortedError when the signal is aborted. */
export function checkAborted(signal: AbortSignal | undefined, doing: string, key: string): void {
  if (signal?.aborted) throw new AbortedError(`${doing} ${key}`, signal.reason)
}
