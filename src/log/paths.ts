/**
 * Names in the log folder and the spelling of data paths.
 *
 * A name that is not of one of the protocol's forms is no part of the log (§Delta Log Entries): temporary files, short numbers and
 * nested folders are passed over. A data path is a URI reference: decoded exactly once, and one file whichever of `/x`, `file:/x`
 * and `file:///x` names it (§Add File and Remove File).
 */
import { DataFileError } from '../errors/index.ts'

/** The folder of the log, relative to the table's root. */
export const logFolder = '_delta_log'

/** The protocol's hint at the newest checkpoint. */
export const lastCheckpointKey = `${logFolder}/_last_checkpoint`

/** Our own hint at a recent version. */
export const headKey = '_varve/head'

/** The key of the commit of a version. */
export const commitKey = (version: number): string => `${logFolder}/${padded(version)}.json`

/** The key of the checksum of a version. */
export const checksumKey = (version: number): string => `${logFolder}/${padded(version)}.crc`

/** The key of the classic checkpoint of a version. */
export const checkpointKey = (version: number): string => `${logFolder}/${padded(version)}.checkpoint.parquet`

/** The key of the compaction of a range of commits. */
export const compactionKey = (first: number, last: number): string => `${logFolder}/${padded(first)}.${padded(last)}.compacted.json`

/** The key of a sidecar of a V2 checkpoint. */
export const sidecarKey = (name: string): string => `${logFolder}/_sidecars/${name}`

/** What all keys of the log's files of a version begin with. */
export const versionPrefix = (version: number): string => `${logFolder}/${padded(version)}`

/** The name of a V2 checkpoint's top file, which no other writer gives. */
export const topName = (version: number, id: string): string => `${padded(version)}.checkpoint.${id}.json`

/** What a name in the log folder stands for. */
export type LogName =
  | { readonly kind: 'commit'; readonly version: number }
  | { readonly kind: 'checksum'; readonly version: number }
  | { readonly kind: 'compaction'; readonly version: number; readonly end: number }
  | { readonly kind: 'checkpoint'; readonly version: number; readonly form: 'classic' }
  | { readonly kind: 'checkpoint'; readonly version: number; readonly form: 'parts'; readonly part: number; readonly of: number }
  | { readonly kind: 'checkpoint'; readonly version: number; readonly form: 'v2'; readonly encoding: 'parquet' | 'json' }

const digits = String.raw`(\d{20})`
const forms: readonly [RegExp, (match: RegExpMatchArray) => LogName | undefined][] = [
  [new RegExp(`^${digits}\\.json$`), (m) => ({ kind: 'commit', version: Number(m[1]) })],
  [new RegExp(`^${digits}\\.crc$`), (m) => ({ kind: 'checksum', version: Number(m[1]) })],
  [new RegExp(`^${digits}\\.checkpoint\\.parquet$`), (m) => ({ kind: 'checkpoint', version: Number(m[1]), form: 'classic' })],
  [
    new RegExp(`^${digits}\\.checkpoint\\.(\\d{10})\\.(\\d{10})\\.parquet$`),
    (m) => ({ kind: 'checkpoint', version: Number(m[1]), form: 'parts', part: Number(m[2]), of: Number(m[3]) }),
  ],
  [
    new RegExp(`^${digits}\\.checkpoint\\.[0-9a-fA-F-]{36}\\.(parquet|json)$`),
    (m) => ({ kind: 'checkpoint', version: Number(m[1]), form: 'v2', encoding: m[2] as 'parquet' | 'json' }),
  ],
  [new RegExp(`^${digits}\\.${digits}\\.compacted\\.json$`), (m) => ({ kind: 'compaction', version: Number(m[1]), end: Number(m[2]) })],
]

/** Reads a name in the log folder (no folder part), or `undefined` where it is none of the log's. */
export function parseLogName(name: string): LogName | undefined {
  for (const [pattern, make] of forms) {
    const match = name.match(pattern)
    if (!match) continue
    const parsed = make(match)
    return parsed && Number.isSafeInteger(parsed.kind === 'compaction' ? parsed.end : parsed.version) ? parsed : undefined
  }
  return undefined
}

/**
 * A store key as the log spells it: percent-encoded as a URI path. `=` stays readable, as in `day=2026-03-15/part-1.parquet`.
 */
export function encodePath(key: string): string {
  return key
    .split('/')
    .map((part) => encodeURIComponent(part).replaceAll('%3D', '='))
    .join('/')
}

/**
 * A path of the log as a key relative to the root, or as an absolute local path. Decoded once; a `%` that starts no escape stands
 * for itself, as other engines write it.
 * @throws DataFileError PATH_OUTSIDE_ROOT where a relative path climbs out of the root or a URL names another store.
 */
export function decodePath(path: string): string {
  const decoded = path.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) => {
    try {
      return decodeURIComponent(escapes)
    } catch {
      return escapes
    }
  })
  return canonicalPath(decoded)
}

/** The same for a path that is decoded already. */
export function canonicalPath(decoded: string): string {
  const local = decoded.replace(/^file:\/*/i, '/')
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(local)) throw outside(decoded, 'It names another store.')
  const parts = local.split('/').filter((part) => part !== '.' && part !== '')
  if (parts.includes('..') || parts.length === 0 || local.includes('\0')) throw outside(decoded, 'It climbs out of the table.')
  return (local.startsWith('/') ? '/' : '') + parts.join('/')
}

function outside(path: string, why: string): DataFileError {
  return new DataFileError('PATH_OUTSIDE_ROOT', `The log names the data file ${JSON.stringify(path)}, which Varve does not open. ${why}`, {
    remedy: 'A table names files under its own folder; check who wrote this log.',
    data: { path },
  })
}

function padded(version: number): string {
  return String(version).padStart(20, '0')
}
