/**
 * A V2 checkpoint with sidecars (§V2 Spec): a small top file with everything but the files, which lie in sidecars that the next
 * checkpoint names again as long as they hold. After a few appends to a table of a million files almost nothing is written.
 *
 *   top file of the last checkpoint ─ its sidecars, all ours? ─ no ──► all files anew
 *                                              │ yes
 *   commits since ─ what they speak of ────────┴─ stale entries of each sidecar ─ plan ─ new sidecars ─ top file
 *
 * Sidecars are put before the top file that names them, which is put last: until then nothing has changed for a reader.
 */
import { v4 as uuid } from 'uuid'
import { parseJson, stringifyJson } from '../../schema/json.ts'
import { quoteLiteral, quotePaths } from '../../schema/quoting.ts'
import { withSegment } from '../files/file-list.ts'
import type { Checkpoint } from '../listing.ts'
import { logFolder, sidecarKey, topName } from '../paths.ts'
import { keyAndVector, liveFiles, tombstones } from '../replay.ts'
import {
  type CheckpointWork,
  checkWhole,
  fileRows,
  materialise,
  type SmallAction,
  smallActionsOf,
  unexpired,
  type Written,
} from './checkpoint-rows.ts'
import { formTag, type JudgedSidecar, kindOf, kindTag, largeSidecar, planSidecars, type Sidecar, type SidecarKind } from './sidecars.ts'

const kinds = ['add', 'remove'] as const

/** A line of a V2 checkpoint's top file. */
type TopAction =
  | SmallAction
  | { readonly sidecar: Sidecar }
  | { readonly checkpointMetadata: { readonly version: number; readonly tags?: Readonly<Record<string, string>> } }

/** A sidecar of the new checkpoint, and its entries. */
interface Entry {
  readonly sidecar: Sidecar
  readonly kind: SidecarKind
  readonly rows: number
}

/** Writes the V2 checkpoint of a state. */
export async function writeV2Checkpoint(work: CheckpointWork): Promise<Written> {
  const { store, state } = work
  const { version } = state
  const written: string[] = []
  try {
    const last = work.segment.checkpoint && (await ownSidecars(work, work.segment.checkpoint))
    const entries = last ? await takeOver(work, last, written) : await writeAnew(work, written)
    const rows = (of: readonly Entry[]) => of.reduce((sum, each) => sum + each.rows, 0)
    const adds = rows(entries.filter((each) => each.kind === 'add'))
    checkWhole(work, adds)
    // What every reader looks for comes last, so that a file that was cut is seen to be.
    const sidecars = entries.map(({ sidecar }) => ({ sidecar }))
    const actions: TopAction[] = [...smallActionsOf(state), ...sidecars, { checkpointMetadata: { version } }]
    const path = topName(version, uuid())
    const body = new TextEncoder().encode(actions.map((action) => `${stringifyJson(action)}\n`).join(''))
    const { modified } = await store.put(`${logFolder}/${path}`, body)
    const files = rows(entries)
    return {
      version,
      actions: actions.length + files,
      files,
      adds,
      bytes: entries.reduce((sum, { sidecar }) => sum + sidecar.sizeInBytes, body.length),
      top: { path, sizeInBytes: body.length, modificationTime: modified.getTime() },
    }
  } catch (error) {
    await store.delete(written.map(sidecarKey)).catch(() => undefined)
    throw error
  }
}

/** All files of the segment in new sidecars. */
async function writeAnew(work: CheckpointWork, written: string[]): Promise<Entry[]> {
  const { store, connection, segment, form, expired } = work
  return withSegment(store, connection, segment, async (base, commits) => {
    const rows = {
      add: fileRows('add', liveFiles(base, commits), form),
      remove: fileRows('remove', unexpired(tombstones(base, commits), expired), form),
    }
    const entries: Entry[] = []
    for (const kind of kinds) entries.push(...(await writeSidecars(work, kind, rows[kind], written)))
    return entries
  })
}

/** The sidecars of the last checkpoint, moved on by the commits since. */
async function takeOver(work: CheckpointWork, last: readonly Sidecar[], written: string[]): Promise<Entry[]> {
  const { store, connection, segment, form, expired } = work
  await withSegment(store, connection, { ...segment, checkpoint: undefined }, async (_, commits) => {
    const changes = [liveFiles(undefined, commits), tombstones(undefined, commits)].map((sql) => `SELECT * FROM (${sql})`)
    await materialise(connection, 'changes', changes.join(' UNION ALL BY NAME '))
  })
  const pinned = await store.materialise(last.map(({ path }) => sidecarKey(path)))
  try {
    const localPath = new Map(last.map((sidecar, index) => [sidecar, pinned.paths[index]!]))
    const entries: Entry[] = []
    for (const kind of kinds) {
      const fresh = kind === 'add' ? 'FROM changes WHERE added' : unexpired('FROM changes WHERE NOT added', expired)
      const [row] = await connection.all(`SELECT count(*) AS rows FROM (${fresh})`)
      const files = new Map(last.filter((each) => kindOf(each) === kind).map((each) => [localPath.get(each)!, each]))
      const plan = planSidecars(await judge(work, kind, files), Number(row?.rows))
      entries.push(...plan.kept.map(({ sidecar, rows }) => ({ sidecar, kind, rows })))
      const holding = (of: readonly JudgedSidecar[]) =>
        stillHolding(
          kind,
          of.map(({ sidecar }) => localPath.get(sidecar)!),
          expired,
        )
      for (const each of plan.rewritten) entries.push(...(await writeSidecars(work, kind, holding([each]), written)))
      const together = [
        ...(plan.merged.length > 0 ? [holding(plan.merged)] : []),
        ...(Number(row?.rows) > 0 ? [fileRows(kind, fresh, form)] : []),
      ]
      if (together.length > 0) entries.push(...(await writeSidecars(work, kind, together.join(' UNION ALL '), written)))
    }
    return entries
  } finally {
    await pinned.release()
  }
}

/**
 * The sidecars that a checkpoint names, where all of them are ours and have the form that the table asks for; `undefined` where not, or
 * where it holds files itself. Readers take the columns of one sidecar for those of all.
 */
async function ownSidecars({ store, form }: CheckpointWork, checkpoint: Checkpoint): Promise<Sidecar[] | undefined> {
  if (checkpoint.encoding !== 'json') return undefined
  const { bytes } = await store.get(checkpoint.keys[0]!)
  const actions = parseTop(new TextDecoder().decode(bytes))
  if (!actions?.some((action) => 'checkpointMetadata' in action)) return undefined
  const sidecars = actions.flatMap((action) => ('sidecar' in action ? [action.sidecar] : []))
  return sidecars.length > 0 && sidecars.every((sidecar) => isOurs(sidecar) && sidecar.tags?.[formTag] === form.id) ? sidecars : undefined
}

/** The actions of a top file of ours; `undefined` where it holds files, or is damaged. */
function parseTop(text: string): TopAction[] | undefined {
  const actions: TopAction[] = []
  for (const line of text.split('\n')) {
    if (line.startsWith('{"add"') || line.startsWith('{"remove"')) return undefined
    if (line.trim() === '') continue
    try {
      actions.push(parseJson(line) as TopAction)
    } catch (error) {
      if (error instanceof SyntaxError) return undefined
      throw error
    }
  }
  return actions
}

function isOurs(sidecar: Sidecar): boolean {
  return kindOf(sidecar) !== undefined && /^[0-9a-f-]{36}\.parquet$/.test(sidecar.path)
}

/** How many entries each sidecar has, and how many of them the commits since speak of. Expired ones count where they are the greater part. */
async function judge(work: CheckpointWork, kind: SidecarKind, files: ReadonlyMap<string, Sidecar>): Promise<JudgedSidecar[]> {
  if (files.size === 0) return []
  const gone = kind === 'add' ? 'false' : `coalesce("deletionTimestamp", 0) <= ${work.expired}`
  const rows = await work.connection.all(
    `SELECT filename, count(*) AS rows, count(*) FILTER (changes.key IS NOT NULL) AS stale, count(*) FILTER (changes.key IS NOT NULL OR ${gone}) AS useless
     FROM (${entriesOf(kind, [...files.keys()])}) AS entry LEFT JOIN (SELECT key, vector FROM changes) AS changes USING (key, vector) GROUP BY filename`,
  )
  return rows.map((row) => {
    const [rows, stale, useless] = [Number(row.rows), Number(row.stale), Number(row.useless)]
    return { sidecar: files.get(String(row.filename))!, rows, stale: useless * 2 > rows ? useless : stale }
  })
}

/** The entries of sidecars of which the commits since do not speak. */
function stillHolding(kind: SidecarKind, paths: readonly string[], expired: number): string {
  const gone = kind === 'add' ? '' : `WHERE coalesce("deletionTimestamp", 0) > ${expired}`
  return `SELECT ${kind} FROM (${entriesOf(kind, paths)}) ANTI JOIN changes USING (key, vector) ${gone}`
}

function entriesOf(kind: SidecarKind, paths: readonly string[]): string {
  const time = kind === 'remove' ? 'remove."deletionTimestamp"' : 'NULL::BIGINT'
  return `SELECT filename, ${kind}, ${time} AS "deletionTimestamp", ${keyAndVector(`${kind}.path`, `${kind}."deletionVector"`)}
    FROM read_parquet(${quotePaths(paths)}, hive_partitioning = false, filename = true) WHERE ${kind}.path IS NOT NULL`
}

/** Writes rows as sidecars, several where there are many. Other readers expect both columns. */
async function writeSidecars(work: CheckpointWork, kind: SidecarKind, rows: string, written: string[]): Promise<Entry[]> {
  const { store, connection, staging, form } = work
  const other = kind === 'add' ? 'remove' : 'add'
  const both = `${rows} UNION ALL BY NAME (${fileRows(other, liveFiles(undefined, undefined), form)} LIMIT 0)`
  const folder = `${staging.folder}/${uuid()}`
  const made = await connection.all(
    `COPY (${both}) TO ${quoteLiteral(folder)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${largeSidecar}, ROW_GROUPS_PER_FILE 1, RETURN_STATS)`,
  )
  const entries: Entry[] = []
  for (const row of made) {
    const rows = Number(row.count)
    if (rows === 0) continue
    const path = String(row.filename)
    const name = `${uuid()}.parquet`
    const size = Number(row.file_size_bytes)
    written.push(name)
    const { modified } = await store.put(sidecarKey(name), { path, size })
    const sidecar = { path: name, sizeInBytes: size, modificationTime: modified.getTime(), tags: { [kindTag]: kind, [formTag]: form.id } }
    entries.push({ sidecar, kind, rows })
  }
  return entries
}
