/** What verification finds. */
import { AbortedError, VarveError } from '../../errors/index.ts'

/** Something that is not as it was written, or that could not be looked at. */
export interface Finding {
  /** The file: a data file, a file of vectors, a commit; `rows` or `files` for a digest that differs as a whole. */
  readonly path: string
  /** `missing`, `size`, `hash`, `checksum` of a vector, `chain` of ids, `digest`; `unreadable`: it could not be looked at. */
  readonly problem: 'missing' | 'size' | 'hash' | 'checksum' | 'chain' | 'digest' | 'unreadable'
  /** What is wrong, in a sentence. */
  readonly message: string
  /** How it can be mended. */
  readonly remedy: string
  /** The file of the table that would have to be put right, where it is one of rows or vectors. */
  readonly file?: string
}

/** How what is damaged is mended. */
export const copies =
  'Mend it from a remote (varve verify --repair-from), or restore it from a copy of the table; or restore a version that does not have it (varve restore).'

/** What could not be looked at. @throws AbortedError where the caller gave up */
export function unreadable(path: string, error: unknown, signal: AbortSignal | undefined): Finding {
  if (signal?.aborted) throw new AbortedError('Verifying', signal.reason)
  const message = `${path} could not be looked at: ${error instanceof Error ? error.message : String(error)}`
  return {
    path,
    problem: 'unreadable',
    message,
    remedy: error instanceof VarveError ? error.remedy : 'Look at the disk and its permissions, and run it again.',
  }
}
