/**
 * Whether a record is one that this Varve knows the meaning of. What a copy elsewhere has may be of a newer Varve, or a stranger's: a record that is not
 * known would stop every vacuum here, since it may hold a version, and every list of tags or runs.
 */
import type { JsonRecord } from '../../log/records.ts'
import { isName, nameKey } from '../../refs/names.ts'

/** What of a folder of records is asked about. */
export type RecordKind = 'tags' | 'runs' | 'digests' | 'hashes' | 'holds'

const names: Readonly<Record<RecordKind, RegExp>> = {
  tags: /^[^/]+\/\d{1,15}\.json$/,
  runs: /^[^/]+\/(start|end|retired|erased|metrics\/\d{1,15})\.json$/,
  digests: /^\d{1,15}\.json$/,
  hashes: /^[^/]+\.json$/,
  holds: /^[^/.]+(\.released)?\.json$/,
}

/** Whether a record is known; `path` is its key below the folder of its kind. */
export function isKnownRecord(kind: RecordKind, path: string, record: JsonRecord): boolean {
  if (!names[kind].test(path)) return false
  const { version } = record
  if (kind === 'tags') return isNameOf(record.name, path) && (record.removed === true || isVersion(version))
  if (kind === 'holds') return path.endsWith('.released.json') || isVersion(version)
  if (kind !== 'runs') return true
  if (path.endsWith('/erased.json')) return areVersions(record.versions)
  if (!path.endsWith('/start.json')) return true
  const data: readonly unknown[] = Array.isArray(record.data) ? record.data : []
  return (areVersions(record.versions) || isVersion(version)) && data.every((one) => isVersion((one as JsonRecord | null)?.version))
}

/** A tag is found by its folder, so no other name may be shown for it. */
function isNameOf(name: unknown, path: string): boolean {
  const key = path.slice(0, path.indexOf('/'))
  return name === undefined ? isName(key) : typeof name === 'string' && isName(name) && nameKey(name) === key
}

function areVersions(value: unknown): boolean {
  return Array.isArray(value) && value.every(isVersion)
}

function isVersion(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
