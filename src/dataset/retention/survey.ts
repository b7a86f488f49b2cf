/**
 * Which versions of a table hold some rows, where their bytes lie, and what the log shows of them.
 *
 *   when each file lived ─ which of those that lie there hold such rows, change files too ─ the versions that have such a file ─ commits that name one
 *
 * A version holds a row while a file of it does, also where a vector deletes the row: its bytes can be read by whoever reads the file.
 */

import { DataFileError, SchemaError } from '../../errors/index.ts'
import {
  type Add,
  commitInfoOf,
  type DeltaLog,
  decodePath,
  joinSpans,
  parseActions,
  type Remove,
  readCommitIfThere,
  type VersionSpan,
} from '../../log/index.ts'
import { unreadable } from '../../query/changes/columns.ts'
import type { ListedFile, QueryTarget } from '../../query/index.ts'
import { fileLives, type LivedFile } from '../../query/ledger/file-lives.ts'
import { writeSchema } from '../../schema/schema-json.ts'
import { type ObjectStore, placeOf } from '../../storage/index.ts'
import { type Condition, columnsOf, matchingPaths } from './matching-files.ts'

/** What a commit of the log shows of rows. */
export interface ShownByLog {
  readonly version: number
  /** `statistics` (least and greatest values), `partition values`, `transaction id`, `condition` of the verb, `message`, `command`. */
  readonly shows: readonly string[]
}

/** Where rows are in a table. */
export interface Survey {
  readonly earliest: number
  readonly latest: number
  /** The data files that hold them, and the change files, each with the version whose changes it tells. */
  readonly dataFiles: readonly string[]
  readonly changeFiles: readonly { readonly path: string; readonly version: number }[]
  readonly versions: readonly VersionSpan[]
  readonly shown: readonly ShownByLog[]
  /** SHA-256 of those files, as far as the log has them. */
  readonly hashes: readonly string[]
  /** Files of other tables, named by absolute path: those that hold such rows, and those that nobody may look into. */
  readonly outside: readonly string[]
}

/** Files looked for at a time. */
const together = 64

/**
 * Looks through all versions of a log. `table`: the columns that the condition is written in; `cleanAt`: a version no file of which holds such rows.
 * @throws SchemaError SCHEMA_CHANGED naming a version whose rows cannot be read in them; QueryError; DataFileError; LogError; storage errors
 */
export async function surveyRows(
  log: DeltaLog,
  table: QueryTarget,
  condition: Condition,
  cleanAt: number | undefined,
  signal?: AbortSignal,
): Promise<Survey> {
  const { store } = log
  const { version: latest } = await log.update(signal)
  const earliest = Math.min(latest, await log.earliest(signal))
  const columns = await columnsOf(condition.where)
  const { files, metadata, samePartitions } = await fileLives(log, { from: earliest, to: latest }, { columns }, signal)
  const problem = unreadable(metadata, layoutOf(table), { columns, dropsAllowed: true, loosely: true })
  if (problem !== undefined || !samePartitions) throw cannotLook(store.root, problem ?? 'the columns change that it is partitioned by')
  const changeFiles = await changeFilesOf(log, { from: earliest, to: latest }, signal)
  const isClean = ({ added, removed }: LivedFile['times'][number]) =>
    cleanAt !== undefined && added <= cleanAt && (removed === undefined || removed > cleanAt)
  const listed: ListedFile[] = [
    ...files.filter(({ times }) => !times.some(isClean)).map((file) => ({ ...file, modificationTime: 0 })),
    ...changeFiles.map(({ path, size, partitionValues }) => ({ path, size, partitionValues, modificationTime: 0 })),
  ]
  const { there, outside } = await lyingThere(store, listed, signal)
  const paths = await matchingPaths({ ...table, store }, there, condition, signal)
  // Those of a table that this one was cloned from can be looked into, and are that table's to delete.
  for (const path of paths) if (placeOf(store, path).store !== store) outside.push(path)
  const holding = files.filter(({ path }) => paths.has(path))
  const lived = holding.flatMap(({ times }) => times.map(({ added, removed }) => ({ from: added, to: (removed ?? latest + 1) - 1 })))
  return {
    earliest,
    latest,
    dataFiles: [...new Set(holding.map(({ path }) => path))],
    changeFiles: changeFiles.filter(({ path }) => paths.has(path)).map(({ path, version }) => ({ path, version })),
    versions: joinSpans(lived),
    ...(await toldByLog(log, { from: earliest, to: latest }, paths, signal)),
    outside,
  }
}

function layoutOf({ schema, partitionColumns, properties }: QueryTarget) {
  return { schemaString: writeSchema(schema), partitionColumns, configuration: properties }
}

interface ChangeFile {
  readonly path: string
  readonly size: number
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly version: number
}

async function changeFilesOf(log: DeltaLog, { from, to }: VersionSpan, signal: AbortSignal | undefined): Promise<ChangeFile[]> {
  const found: ChangeFile[] = []
  for (let version = from; version <= to; version += 1) {
    const commit = await readCommitIfThere(log.store, version, signal)
    for (const action of commit ? parseActions(commit) : []) {
      if (!('cdc' in action)) continue
      const { path, size, partitionValues } = action.cdc
      found.push({ path: decodePath(path), size, partitionValues: partitionValues ?? {}, version })
    }
  }
  return found
}

/** The files that are there: what an ending was interrupted at, or others took, holds nothing any more. */
async function lyingThere(
  store: ObjectStore,
  files: readonly ListedFile[],
  signal: AbortSignal | undefined,
): Promise<{ readonly there: ListedFile[]; readonly outside: string[] }> {
  const unique = [...new Map(files.map((file) => [file.path, file])).values()]
  const there: ListedFile[] = []
  const outside: string[] = []
  const look = async (file: ListedFile) => {
    try {
      const place = placeOf(store, file.path)
      if (await place.store.head(place.key, { signal })) there.push(file)
    } catch (error) {
      if (!(error instanceof DataFileError)) throw error
      outside.push(file.path)
    }
  }
  for (let at = 0; at < unique.length; at += together) await Promise.all(unique.slice(at, at + together).map(look))
  return { there, outside }
}

async function toldByLog(
  log: DeltaLog,
  { from, to }: VersionSpan,
  paths: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<Pick<Survey, 'shown' | 'hashes'>> {
  const shown: ShownByLog[] = []
  const hashes = new Set<string>()
  for (let version = from; version <= to && paths.size > 0; version += 1) {
    const commit = await readCommitIfThere(log.store, version, signal)
    if (commit === undefined) continue
    const shows = new Set<string>()
    let [names, hasTransaction] = [false, false]
    for (const action of parseActions(commit)) {
      if ('txn' in action) hasTransaction = true
      const file = 'add' in action ? action.add : 'remove' in action ? action.remove : 'cdc' in action ? action.cdc : undefined
      if (file === undefined || !paths.has(decodePath(file.path))) continue
      names = true
      const hash = file.tags?.['varve.sha256']
      if (hash) hashes.add(hash)
      if (hasBounds(file as Add | Remove)) shows.add('statistics')
      if (Object.values(file.partitionValues ?? {}).some((value) => value !== null && value !== '')) shows.add('partition values')
    }
    if (!names) continue
    const { operationParameters, userMetadata, varve } = commitInfoOf(commit)
    if (hasTransaction) shows.add('transaction id')
    if (!['[]', '', undefined].includes(operationParameters?.predicate)) shows.add('condition')
    if (userMetadata) shows.add('message')
    // A file's name says nothing of rows; an expression does.
    if (varve?.command?.some((word) => /[\s=]/.test(word))) shows.add('command')
    if (shows.size > 0) shown.push({ version, shows: [...shows] })
  }
  return { shown, hashes: [...hashes] }
}

function hasBounds({ stats }: Pick<Add | Remove, 'stats'>): boolean {
  return typeof stats === 'string' && /"(min|max)Values":\{"/.test(stats.replaceAll(/\s/g, ''))
}

function cannotLook(root: string, reason: string): SchemaError {
  return new SchemaError('SCHEMA_CHANGED', `It cannot be told which versions of ${root} hold such rows: ${reason}. No version was ended.`, {
    remedy: 'Write the condition in columns that all versions have, or end old versions by their age (varve vacuum).',
    data: { root, reason },
  })
}
