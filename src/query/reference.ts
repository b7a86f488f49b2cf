/** References name a table and a point in its history, the same way everywhere: `events`, `events@3`, `data/events@v2.0`. */
import { UsageError } from '../errors/index.ts'
import { type Point, parsePoint } from './point.ts'

/** A reference, taken apart. */
export interface Reference {
  /** The folder or URL, as it was written. */
  readonly path: string
  /** `undefined` is the latest version. */
  readonly point?: Point
}

/**
 * Reads a reference: the last `@` after the last `/` splits it. A folder whose literal name holds `@` is reached with a trailing `/`,
 * as in `odd@name/` and `odd@name/@3`.
 * @throws UsageError INVALID_REFERENCE, INVALID_TIMESTAMP
 */
export function parseReference(text: string): Reference {
  const at = text.lastIndexOf('@')
  const slash = text.lastIndexOf('/')
  const path = at > slash ? text.slice(0, at) : text
  if (path === '') {
    throw new UsageError('INVALID_REFERENCE', `${JSON.stringify(text)} names no table.`, {
      remedy: 'Write the folder of the table, and after an @ the version, as in events@3.',
    })
  }
  return at > slash ? { path, point: parsePoint(text.slice(at + 1)) } : { path }
}
