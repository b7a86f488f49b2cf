/**
 * Log compaction files (§Log Compaction Files): one file that stands for a range of commits, so that a cold start between two
 * checkpoints reads few files.
 *
 * Every hundredth commit folds the hundred commits up to it into one file, every thousandth the ten files before it, and so on, but
 * never over the last checkpoint: each action is written once a level, and a version is reached over at most some twenty files and a
 * hundred commits. The ranges follow from the version alone, so of two writers who race one makes the file. Lines are taken over as
 * they stand, the newest of each file, transaction, domain, protocol and metadata; commitInfo and cdc are left out. A removal stays,
 * since it takes back what a checkpoint before it may hold.
 *
 * A compaction is derived data. One of another writer is believed only where it is reconciled: a file that speaks of one thing twice
 * does not say which is the newer.
 */
import { type Connection, trustedEngine } from '../engine/index.ts'
import { quoteLiteral, quotePaths } from '../schema/quoting.ts'
import { hashFile } from '../storage/index.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { withLineLength } from './line-length.ts'
import { type Compaction, readListing } from './listing.ts'
import { commitKey, compactionKey } from './paths.ts'
import { keyAndVector, versionOfFile } from './replay.ts'
import { cover } from './segment.ts'
import type { TableState } from './state.ts'

/** Commits in the smallest compaction, and how many compactions make the next larger one. */
const smallest = 100
const growth = 10

/** The range of commits that a version should get a compaction of, if any. Where a checkpoint is due at the same version none is needed. */
export function dueCompaction(state: Pick<TableState, 'version' | 'checkpoint'>): { first: number; last: number } | undefined {
  const { version } = state
  const since = version - Math.max(0, state.checkpoint?.version ?? 0)
  let span = smallest
  if (version === 0 || version % span !== 0 || since < span) return undefined
  while (version % (span * growth) === 0 && since >= span * growth) span *= growth
  return { first: version - span + 1, last: version }
}

/**
 * Writes the compaction of a range whose commits are all there; smaller compactions in it serve as its source. One that is there
 * already is left as it is.
 */
export async function writeCompaction(store: ObjectStore, range: { first: number; last: number }): Promise<void> {
  const { first, last } = range
  const parts = last - first < smallest ? [] : (await readListing(store, { from: first, until: last })).compactions.filter(isOurs)
  const { commits, compactions } = await cover(store, first, last, parts)
  const pinned = await store.materialise([...compactions.map((each) => each.key), ...commits.map(commitKey)])
  const connection = await (await trustedEngine()).connect()
  const staging = await store.stage()
  try {
    const path = `${staging.folder}/${last}.compacted.json`
    // No line of JSON holds the separator, so none is quoted.
    const format = "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\u001f')"
    await withLineLength((longest) => connection.run(`COPY (${reconciledLines(pinned.paths, longest)}) TO ${quoteLiteral(path)} ${format}`))
    const { size } = await hashFile(path)
    if (size > 0) await store.putIfAbsent(compactionKey(first, last), { path, size }, { durable: false })
  } finally {
    connection.close()
    await pinned.release()
    await staging.dispose()
  }
}

/** Those of these compactions that speak of one thing more than once, so that they cannot stand for their commits. */
export async function unreconciled(store: ObjectStore, compactions: readonly Compaction[]): Promise<Compaction[]> {
  const foreign = compactions.filter((each) => !isOurs(each))
  if (foreign.length === 0) return []
  const pinned = await store.materialise(foreign.map((each) => each.key))
  const connection = await (await trustedEngine()).connect()
  try {
    const wrong: Compaction[] = []
    for (const [index, each] of foreign.entries()) {
      if (await speaksTwice(connection, pinned.paths[index]!)) wrong.push(each)
    }
    return wrong
  } finally {
    connection.close()
    await pinned.release()
  }
}

/** Whether a compaction has a range such as ours have. Those are reconciled. */
function isOurs(compaction: Compaction): boolean {
  return compaction.last % smallest === 0 && compaction.first % smallest === 1
}

async function speaksTwice(connection: Connection, path: string): Promise<boolean> {
  const [row] = await withLineLength((longest) =>
    connection.all(
      `SELECT count(*) AS things FROM (SELECT 1 FROM (${things([path], longest)}) GROUP BY kind, name, vector HAVING count(*) > 1)`,
    ),
  )
  return Number(row?.things) > 0
}

function reconciledLines(paths: readonly string[], longest: number): string {
  return `SELECT line FROM (
    SELECT kind, name, vector, arg_max(line, 2 * version + CAST(added AS INTEGER)) AS line FROM (${things(paths, longest)})
    GROUP BY kind, name, vector) ORDER BY kind = 'file', kind, name, vector`
}

const shape = {
  add: { path: 'VARCHAR', deletionVector: { storageType: 'VARCHAR', pathOrInlineDv: 'VARCHAR', offset: 'INTEGER' } },
  remove: { path: 'VARCHAR', deletionVector: { storageType: 'VARCHAR', pathOrInlineDv: 'VARCHAR', offset: 'INTEGER' } },
  txn: { appId: 'VARCHAR' },
  domainMetadata: { domain: 'VARCHAR' },
  metaData: { id: 'VARCHAR' },
  protocol: { minReaderVersion: 'INTEGER' },
}

/** The lines of commits and compactions, with what each speaks of: its kind, and the name (and vector) by which it is reconciled. */
function things(paths: readonly string[], longest: number): string {
  const options = `format = 'newline_delimited', filename = true, maximum_object_size = ${longest}`
  const lines = `SELECT json AS line, ${versionOfFile} AS version, json_transform(json, ${quoteLiteral(JSON.stringify(shape))}) AS action
    FROM read_json_objects(${quotePaths(paths)}, ${options})`
  const files = `SELECT line, version, action.add IS NOT NULL AS added, 'file' AS kind, ${keyAndVector('file.path', 'file."deletionVector"')}
    FROM (SELECT *, coalesce(action.add, action.remove) AS file FROM lines) WHERE file IS NOT NULL`
  const others = Object.entries({ txn: '"appId"', domainMetadata: 'domain', metaData: '', protocol: '' }).map(
    ([
      kind,
      name,
    ]) => `SELECT line, version, false AS added, '${kind}' AS kind, ${name ? `action."${kind}".${name}` : "''"} AS key, '' AS vector
      FROM lines WHERE action."${kind}" IS NOT NULL`,
  )
  return `WITH lines AS MATERIALIZED (${lines}) SELECT line, version, added, kind, key AS name, vector FROM (${[files, ...others].join(' UNION ALL ')})`
}
