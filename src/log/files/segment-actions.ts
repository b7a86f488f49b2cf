/** The file actions of a segment as relations, while its files are at hand: what checkpoints are written from. */
import type { Connection } from '../../engine/index.ts'
import type { ObjectStore, Pinned } from '../../storage/object-store.ts'
import { withLineLength } from '../line-length.ts'
import type { Compaction } from '../listing.ts'
import { commitKey } from '../paths.ts'
import { checkpointActions, lineActions, sidecarKeys } from '../replay.ts'
import type { Segment } from '../segment.ts'
import { bytesOf, type LogFile, lineSchema, readLines, type SmallEntry } from './log-lines.ts'

/**
 * Gives `use` the relations of a segment: its base (the checkpoint) and the commits after it. Of a checkpoint of which only live files are
 * wanted the tombstones may be missing.
 */
export async function withSegment<T>(
  store: ObjectStore,
  connection: Connection,
  segment: Segment,
  use: (base: string | undefined, commits: string | undefined) => Promise<T>,
  wanted: 'live' | 'all' = 'all',
): Promise<T> {
  const { checkpoint } = segment
  const files = logFiles(segment)
  const table = 'segment_actions'
  const pinned = await store.materialise(checkpoint?.keys ?? [])
  let sidecars: Pinned | undefined
  try {
    if (files.length > 0)
      await insertLines(store, connection, files, {
        table: `TEMP TABLE ${table}`,
        as: (actions) => `SELECT * EXCLUDE (id) FROM (${actions})`,
        small: [],
      })
    const commits = files.length > 0 ? `SELECT * FROM ${table}` : undefined
    if (!checkpoint) return await use(undefined, commits)
    sidecars = await store.materialise(await sidecarKeys(connection, checkpoint, pinned.paths, wanted))
    return await withLineLength(async (longest) =>
      use(await checkpointActions(connection, checkpoint, pinned.paths, sidecars!.paths, longest), commits),
    )
  } finally {
    await connection.run(`DROP TABLE IF EXISTS ${table}`)
    await sidecars?.release()
    await pinned.release()
  }
}

/** The files of a segment's commits and compactions in the order of their versions. */
export function logFiles({ commits, compactions }: Pick<Segment, 'commits' | 'compactions'>): LogFile[] {
  const files = commits.map((version) => ({ key: commitKey(version), version }))
  const folded = compactions.map(({ key, last }: Compaction) => ({ key, version: last }))
  return folded.length === 0 ? files : [...files, ...folded].sort((one, other) => one.version - other.version)
}

/** Where the file actions of lines go, and what becomes of them on the way. */
export interface LineTarget {
  /** What is made: `TABLE x`, or `TEMP TABLE x`. */
  readonly table: string
  /** A SELECT over the actions (see `lineActions`). Default: as they are. */
  readonly as?: (actions: string) => string
  /** Takes what is not of a file, in order. */
  readonly small: SmallEntry[]
  /** The `id` of the first line. Default: 0. */
  readonly firstId?: number
  readonly signal?: AbortSignal | undefined
}

/** Makes a table of the file actions in files of the log. @returns how many lines, and their bytes */
export async function insertLines(
  store: ObjectStore,
  connection: Connection,
  files: readonly LogFile[],
  target: LineTarget,
): Promise<{ lines: number; bytes: number }> {
  const { table, as = (actions) => actions, small } = target
  const name = table.split(' ').at(-1)!
  let [lines, bytes] = [0, 0]
  for await (const batch of readLines(store, files, small, target)) {
    const begin = lines === 0 ? `CREATE ${table} AS` : `INSERT INTO ${name}`
    await connection.withBatches(lineSchema, [batch], (relation) => connection.run(`${begin} ${as(lineActions(relation))}`))
    lines += batch.numRows
    bytes += bytesOf(batch)
  }
  if (lines === 0)
    await connection.run(`CREATE ${table} AS ${as(lineActions(`(SELECT 0::BIGINT AS id, 0::BIGINT AS version, '' AS line) WHERE false`))}`)
  return { lines, bytes }
}
