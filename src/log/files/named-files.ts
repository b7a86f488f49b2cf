/**
 * Which files the versions of a log name: data files, files of deletion vectors and change files, as tables of the engine.
 *
 *   lists of files of some versions ─┐
 *   adds and cdc of commits ─────────┼─ names, kept or not ─ `kept`: some version that stays names it
 *   removals, tombstones, the rest ──┘                       else: only versions that do not stay, so its writer is done
 *
 * A name is a key relative to the table's root. An absolute path may lie under the root by another way (a link, another mount, the place
 * where the table was before), so it stands for every key that it ends with: too much is kept rather than too little. Of a vector the
 * text that names its file stands in `vector`, prefix and all.
 */
import { type Connection, trustedEngine } from '../../engine/index.ts'
import { quoteLiteral } from '../../schema/quoting.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import type { Checkpoint } from '../listing.ts'
import { commitKey } from '../paths.ts'
import { keyAndVector } from '../replay.ts'
import type { FileList } from './file-list.ts'
import { lineSchema, readLines, type SmallEntry } from './log-lines.ts'
import { withSegment } from './segment-actions.ts'

let tables = 0

/** The names that versions of a log give, in a table of the engine. */
export class NamedFiles {
  readonly connection: Connection
  /** `name VARCHAR, vector VARCHAR, kept BOOLEAN`: one of the first two is NULL. Names come more than once. */
  readonly table: string

  private constructor(connection: Connection, table: string) {
    this.connection = connection
    this.table = table
  }

  static async open(): Promise<NamedFiles> {
    const connection = await (await trustedEngine()).connect()
    tables += 1
    const table = `varve_named_${tables}`
    await connection.run(`CREATE TABLE ${table} (name VARCHAR, vector VARCHAR, kept BOOLEAN)`)
    return new NamedFiles(connection, table)
  }

  /** The files of a version that stays. */
  async keepList(list: FileList): Promise<void> {
    await list.use(({ connection, relation }) =>
      connection.run(this.#insert(`SELECT path AS key, deletion_vector AS vector, true AS kept FROM ${relation}`)),
    )
  }

  /**
   * What commits name. Files that they add, and change files, are kept where `kept` (a condition over `version`) holds; so are files removed
   * after `removedAfter`, in milliseconds.
   */
  async addCommits(
    store: ObjectStore,
    versions: readonly number[],
    options: { readonly kept: string; readonly removedAfter: number; readonly signal?: AbortSignal | undefined },
  ): Promise<void> {
    const { kept, removedAfter, signal } = options
    const file = {
      path: 'VARCHAR',
      deletionTimestamp: 'BIGINT',
      deletionVector: { storageType: 'VARCHAR', pathOrInlineDv: 'VARCHAR', offset: 'INTEGER' },
    }
    const shape = quoteLiteral(JSON.stringify({ add: file, remove: file, cdc: file }))
    const small: SmallEntry[] = []
    const files = versions.map((version) => ({ key: commitKey(version), version }))
    for await (const batch of readLines(store, files, small, { changeFiles: true, signal })) {
      small.length = 0
      await this.connection.withBatches(lineSchema, [batch], (relation) => {
        const actions = `SELECT version, action.remove IS NULL AS stays, coalesce(action.add, action.remove, action.cdc) AS file
          FROM (SELECT version, json_transform(line, ${shape}) AS action FROM ${relation})`
        const condition = `CASE WHEN stays THEN ${kept} ELSE coalesce(file."deletionTimestamp", 0) > ${removedAfter} END`
        return this.connection.run(
          this.#insert(`SELECT ${keyOnly('file.path')}, file."deletionVector" AS vector, ${condition} AS kept FROM (${actions})`),
        )
      })
    }
  }

  /** What a checkpoint names, tombstones too: those of files removed after `removedAfter` are kept. */
  async addCheckpoint(store: ObjectStore, checkpoint: Checkpoint, removedAfter: number): Promise<void> {
    const segment = { version: checkpoint.version, checkpoint, commits: [], compactions: [] }
    await withSegment(store, this.connection, segment, async (base) => {
      await this.connection.run(
        this.#insert(
          `SELECT key, "deletionVector" AS vector, NOT added AND coalesce("deletionTimestamp", 0) > ${removedAfter} AS kept FROM (${base})`,
        ),
      )
    })
  }

  /** Lets go of the table. */
  async close(): Promise<void> {
    await this.connection.run(`DROP TABLE IF EXISTS ${this.table}`)
    await this.connection.close()
  }

  /** An INSERT of what a relation of `key`, `vector` and `kept` names. */
  #insert(files: string): string {
    const place = `vector."pathOrInlineDv"`
    return `INSERT INTO ${this.table} WITH files AS MATERIALIZED (${files})
      SELECT DISTINCT unnest(${keysOf('key')}), NULL, kept FROM files
      UNION ALL SELECT DISTINCT NULL, ${place}, kept FROM files WHERE vector."storageType" = 'u'
      UNION ALL SELECT DISTINCT unnest(${keysOf('key')}), NULL, kept FROM (SELECT ${keyOnly(place)}, kept FROM files WHERE vector."storageType" = 'p')`
  }
}

/** The decoded path of an action, as `key`. */
function keyOnly(path: string): string {
  const both = keyAndVector(path, `{'storageType': NULL::VARCHAR, 'pathOrInlineDv': NULL::VARCHAR, 'offset': NULL::INTEGER}`)
  return both.slice(0, both.lastIndexOf(' AS key') + ' AS key'.length)
}

/** The keys that a decoded path may stand for. More than one only for what is kept: to tell that a file is done, its name must be certain. */
function keysOf(key: string): string {
  const parts = `list_filter(string_split(${key}, '/'), lambda part: part <> '' AND part <> '.')`
  const absolute = `starts_with(${key}, '/') OR contains(${key}, ':')`
  const ends = `list_transform(range(1, len(${parts}) + 1), lambda first: array_to_string(${parts}[first:], '/'))`
  const spelled = `CASE WHEN contains(${key}, '//') OR contains(${key}, './') THEN array_to_string(${parts}, '/') ELSE ${key} END`
  return `CASE WHEN ${absolute} THEN CASE WHEN kept THEN ${ends} ELSE [${key}] END ELSE [${spelled}] END`
}
