/**
 * The state of a version from the log itself, where no checksum gives it: the small actions of a checkpoint (protocol, metadata,
 * transactions, domains), then the compactions and commits after it.
 *
 * A checkpoint stands alone: protocol and metadata missing in it are an error even where older commits still have them
 * (§Action Reconciliation). Counts are not known this way; a list of files gives them.
 */
import { type Connection, trustedEngine } from '../engine/index.ts'
import { DataFileError } from '../errors/index.ts'
import { parseJson } from '../schema/json.ts'
import { quotePaths } from '../schema/quoting.ts'
import type { DataType } from '../schema/types.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { shapeProblem } from './action-shape.ts'
import type { Action } from './actions.ts'
import { commitInfoOf, readCommit, readCommitIfThere } from './commit.ts'
import { withLineLength } from './line-length.ts'
import type { Checkpoint, Compaction } from './listing.ts'
import { checkpointKey, logFolder } from './paths.ts'
import { isStruct, sidecarKeys, smallActions } from './replay.ts'
import type { Segment } from './segment.ts'
import { StateBuilder, type TableState } from './state.ts'

const names = ['protocol', 'metaData', 'txn', 'domainMetadata'] as const

/** A field that each of them has. */
const required = { protocol: 'minReaderVersion', metaData: 'id', txn: 'appId', domainMetadata: 'domain' } as const

/** Commits read at a time. */
const together = 32

/** Replays the small actions of a segment. @throws LogError LOG_CORRUPT, LOG_INCOMPLETE */
export async function replayState(store: ObjectStore, segment: Segment, signal?: AbortSignal): Promise<TableState> {
  const { checkpoint, commits, compactions, version } = segment
  const builder = new StateBuilder(checkpoint ? await checkpointState(store, checkpoint) : undefined)
  let next = 0
  for (const compaction of [...compactions, undefined]) {
    const end = compaction ? commits.findIndex((v, index) => index >= next && v > compaction.last) : -1
    const before = commits.slice(next, end < 0 ? commits.length : end)
    next += before.length
    for (let i = 0; i < before.length; i += together) {
      const read = await Promise.all(before.slice(i, i + together).map((v) => readCommit(store, v, signal)))
      for (const commit of read) builder.applyCommit(commit)
    }
    if (compaction) await applyCompaction(store, compaction, builder)
  }
  const state = builder.build(version)
  if (commits.at(-1) === version) return state
  // Neither a checkpoint nor a compaction holds what the commit said of itself.
  const own = await readCommitIfThere(store, version, signal)
  const { inCommitTimestamp, txnId } = own ? commitInfoOf(own) : {}
  return { ...state, inCommitTimestamp, txnId }
}

/** The state of a checkpoint's version, without counts. @throws LogError LOG_INCOMPLETE, DataFileError */
export async function checkpointState(store: ObjectStore, checkpoint: Checkpoint): Promise<TableState> {
  const connection = await (await trustedEngine()).connect()
  const pinned = await store.materialise(checkpoint.keys)
  try {
    const builder = new StateBuilder()
    for (const action of await readSmallActions(connection, checkpoint, pinned.paths)) builder.apply(action)
    const sidecars = await store.materialise(await sidecarKeys(connection, checkpoint, pinned.paths))
    const counted = checkpoint.encoding === 'parquet' && sidecars.paths.length === 0 ? pinned.paths : sidecars.paths
    const [row] = counted.length === 0 ? [] : await connection.all(`SELECT count(*) AS actions FROM read_parquet(${quotePaths(counted)})`)
    await sidecars.release()
    const state = builder.build(checkpoint.version)
    const path = pathOf(checkpoint)
    const holds = Number(row?.actions ?? 0)
    return { ...state, counts: undefined, checkpoint: { version: checkpoint.version, ...(path ? { path } : {}), holds, since: 0 } }
  } finally {
    await pinned.release()
    connection.close()
  }
}

async function applyCompaction(store: ObjectStore, compaction: Compaction, builder: StateBuilder): Promise<void> {
  const connection = await (await trustedEngine()).connect()
  const pinned = await store.materialise([compaction.key])
  try {
    const file = { version: compaction.last, keys: [compaction.key], encoding: 'json' as const }
    const small = await readSmallActions(connection, file, pinned.paths)
    const [row] = await withLineLength((longest) =>
      connection.all(`SELECT count(*) AS actions FROM ${smallActions(file, pinned.paths, longest)}`),
    )
    builder.applyCompaction(small, Number(row?.actions) - small.length)
  } finally {
    await pinned.release()
    connection.close()
  }
}

/** The actions of a checkpoint or compaction that are not of files. */
function readSmallActions(connection: Connection, file: Checkpoint, paths: readonly string[]): Promise<Action[]> {
  return withLineLength(async (longest) => {
    const source = smallActions(file, paths, longest)
    const types = new Map((await connection.describe(`SELECT * FROM ${source}`)).map((column) => [column.name, column.type]))
    const actions: Action[] = []
    for (const name of names.filter((each) => types.has(each))) {
      const read = (condition: string) =>
        connection.all(`SELECT CAST(to_json(${name}) AS VARCHAR) AS action FROM ${source} WHERE ${condition}`)
      const least = leastOf(name, types.get(name))
      const found = least === undefined ? [] : await read(least)
      const sure = found.length > 0 || (least !== undefined && (name === 'txn' || name === 'domainMetadata'))
      for (const row of sure ? found : await read(`${name} IS NOT NULL`)) {
        const action = withoutNulls(parseJson(String(row.action)))
        const problem = shapeProblem(name, action)
        if (problem !== undefined) throw damaged(paths, problem)
        actions.push({ [name]: action } as unknown as Action)
      }
    }
    return actions
  })
}

/**
 * A condition that every action of a kind fulfils by a field that it must have: with one that compares, the engine passes over row groups
 * without any, which IS NOT NULL does not do.
 */
function leastOf(name: (typeof names)[number], type: DataType | { unsupported: string } | undefined): string | undefined {
  const field = isStruct(type) ? type.fields.find((each) => each.name === required[name]) : undefined
  if (field?.type === 'string') return `${name}.${field.name} >= ''`
  return field?.type === 'integer' ? `${name}.${field.name} >= -2147483648` : undefined
}

function damaged(paths: readonly string[], problem: string): DataFileError {
  return new DataFileError('DATA_FILE_CORRUPT', `${paths[0]} holds what is no action: ${problem}.`, {
    remedy: 'Restore the file from a copy.',
    data: { path: paths[0] ?? '', problem },
  })
}

/** The name of a checkpoint's file, where it is one file that is not called as the classic one. */
function pathOf(checkpoint: Checkpoint): string | undefined {
  const [key, ...more] = checkpoint.keys
  return more.length > 0 || !key || key === checkpointKey(checkpoint.version) ? undefined : key.slice(logFolder.length + 1)
}

/** A column of a checkpoint holds every field of an action, NULL where the action had none. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null))
}
