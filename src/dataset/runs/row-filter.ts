/** Which versions hold a row: asked of each version once, and of those with the same rows once. */
import type { Parameters } from '../../engine/index.ts'
import { DataFileError, QueryError, VersionNotFoundError } from '../../errors/index.ts'
import { type DeltaLog, schemaOf } from '../../log/index.ts'
import { scan, targetOf } from '../../query/index.ts'
import type { RunData } from './run.ts'

/** A condition on rows. */
export interface RowCondition {
  /** In DuckDB's SQL, as after WHERE. */
  readonly where: string
  /** Values for its parameters. Always bound, never part of the text. */
  readonly params?: Parameters | undefined
}

/** Versions asked at a time. */
const together = 4

/**
 * The versions with a row of which a condition is true. `onUnknown` is told of those that cannot be asked; where none can, that is an error.
 * @throws QueryError SQL_ERROR, SQL_REFUSED; VersionNotFoundError; DataFileError; AbortedError; storage errors
 */
export async function versionsWithRow(
  log: DeltaLog,
  data: readonly Pick<RunData, 'version' | 'fingerprints'>[],
  condition: RowCondition,
  onUnknown: ((version: number, error: Error) => void) | undefined,
  signal: AbortSignal | undefined,
): Promise<ReadonlySet<number>> {
  // Versions with the same rows, by their digest.
  const groups = new Map<string | number, Set<number>>()
  for (const { version, fingerprints } of data) {
    const key = fingerprints.rows ?? version
    groups.set(key, (groups.get(key) ?? new Set()).add(version))
  }
  const found = new Set<number>()
  const unknown: [version: number, error: Error][] = []
  const ask = async (versions: ReadonlySet<number>) => {
    let failure: Error | undefined
    for (const version of versions) {
      try {
        if (await hasRow(log, version, condition, signal)) for (const each of versions) found.add(each)
        return
      } catch (error) {
        if (!(error instanceof VersionNotFoundError || error instanceof DataFileError || error instanceof QueryError)) throw error
        failure = error
      }
    }
    for (const version of versions) unknown.push([version, failure!])
  }
  const all = [...groups.values()]
  for (let at = 0; at < all.length; at += together) await Promise.all(all.slice(at, at + together).map(ask))
  if (unknown.length > 0 && unknown.length === all.reduce((sum, { size }) => sum + size, 0)) throw unknown[0]![1]
  for (const [version, error] of unknown.sort(([a], [b]) => a - b)) onUnknown?.(version, error)
  return found
}

async function hasRow(log: DeltaLog, version: number, { where, params }: RowCondition, signal: AbortSignal | undefined): Promise<boolean> {
  await log.checkNotEnded(version, signal)
  const state = await log.stateAt(version, signal)
  const [first] = schemaOf(state.metadata).fields
  if (first === undefined) return false
  const rows = await scan(targetOf(log, state), { columns: [first.name], where, params, limit: 1, signal }).toArray()
  return rows.length > 0
}
