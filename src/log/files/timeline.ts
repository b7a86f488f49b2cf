/**
 * A stretch of history, loaded once for all its versions: the files of a checkpoint where they lie, and the file actions of the commits
 * after it in a table of the engine, each with the version that ends it.
 *
 *   checkpoint ── adds ─────────────── until a later action of their key (`over`)
 *   commits ───── adds and removes ─── from their version until the next action of their key
 *
 * The files of a version are those that are there from it or before until after it, so every version of the stretch is a condition on
 * what is there. Of actions of one key the later version wins, and of one version the add (§Action Reconciliation). Moving on to later
 * versions changes nothing for earlier ones.
 */
import { type Connection, trustedEngine } from '../../engine/index.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { CheckpointBase } from '../checkpoint/checkpoint-base.ts'
import type { Segment } from '../segment.ts'
import type { Counts } from '../state.ts'
import { fileColumns, type ListPart, selectColumns } from './file-rows.ts'
import type { SmallEntry } from './log-lines.ts'
import { Overridden } from './overridden.ts'
import { logFiles } from './segment-actions.ts'
import { Tail } from './tail.ts'
import { addTotals, countsOf } from './totals.ts'

let timelineCount = 0

/** A stretch of history. */
export class Timeline {
  readonly connection: Connection
  readonly base: CheckpointBase | undefined
  /** The segment that it was loaded from. */
  readonly segment: Segment
  /** What is not of files, ascending by version. What the checkpoint holds is not in here. */
  readonly small: SmallEntry[]
  #last: number
  readonly #over: Overridden | undefined
  readonly #tail: Tail
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(connection: Connection, segment: Segment, base: CheckpointBase | undefined, tail: Tail, small: SmallEntry[]) {
    this.connection = connection
    this.segment = segment
    this.base = base
    this.small = small
    this.#last = segment.version
    this.#tail = tail
    this.#over = base && new Overridden(connection, base, tail)
  }

  /**
   * Loads a segment. `later`: a stretch of the same end that is there already and begins later; its commits are taken from it.
   * @throws LogError, DataFileError, QueryError, ObjectNotFoundError
   */
  static async load(store: ObjectStore, segment: Segment, signal?: AbortSignal, later?: Timeline): Promise<Timeline> {
    const connection = await (await trustedEngine()).connect()
    timelineCount += 1
    const table = `varve_log_${timelineCount}`
    let base: CheckpointBase | undefined
    try {
      const { checkpoint } = segment
      base = checkpoint && (await CheckpointBase.open(store, connection, checkpoint))
      // A top file in JSON may hold files itself; its other actions are the checkpoint's.
      const inline = checkpoint?.encoding === 'json' ? checkpoint.keys.map((key) => ({ key, version: checkpoint.version })) : []
      const small: SmallEntry[] = []
      const tail = new Tail(connection, table)
      // Of a compaction's commits only the last version is told.
      const adopted = later?.segment.compactions.length === 0 && later.last === segment.version ? later : undefined
      const upTo = adopted?.first ?? segment.version
      await tail.load(store, [...inline, ...logFiles(segment).filter(({ version }) => version <= upTo)], small, signal)
      if (adopted) {
        await tail.adopt(adopted.#tail, upTo)
        small.push(...adopted.small)
      }
      const own = inline.length === 0 ? small : small.filter(({ version }) => version > checkpoint!.version)
      return new Timeline(connection, segment, base, tail, own)
    } catch (error) {
      await connection.run(`DROP TABLE IF EXISTS ${table}`).catch(() => undefined)
      await base?.close()
      await connection.close()
      throw error
    }
  }

  /** The first version that it tells of. */
  get first(): number {
    return this.segment.checkpoint?.version ?? 0
  }

  /** The last version that it tells of. */
  get last(): number {
    return this.#last
  }

  /** Actions on files after the checkpoint. */
  get actions(): number {
    return this.#tail.rows
  }

  /** Files and actions that it holds, `undefined` where not known. */
  get size(): number | undefined {
    return this.base ? this.base.files && this.base.files + this.actions : this.actions
  }

  /** Bytes in memory, roughly. */
  get bytes(): number {
    return (1 << 18) + this.#tail.bytes + (this.base?.bytes ?? 0) + (this.#over?.bytes ?? 0)
  }

  /** Whether it tells of a version: compactions tell of their last alone. */
  answers(version: number): boolean {
    return (
      version >= this.first &&
      version <= this.#last &&
      !this.segment.compactions.some(({ first, last }) => version >= first && version < last)
    )
  }

  /** Moves on to a later version by the commits after the last. @throws as `load` */
  extend(store: ObjectStore, version: number, signal?: AbortSignal): Promise<void> {
    return this.#inTurn(async () => {
      if (version <= this.#last) return
      const commits = Array.from({ length: version - this.#last }, (_, i) => this.#last + 1 + i)
      await this.#tail.load(store, logFiles({ commits, compactions: [] }), this.small, signal)
      this.#last = version
    })
  }

  /** Makes ready what `relation` and `parts` stand on. */
  ready(): Promise<void> {
    return this.#inTurn(async () => this.#over?.update())
  }

  /** The files of a version as a relation with the columns of `FileList.relation`, for a FROM clause. */
  relation(version: number): string {
    const parts = [...this.#baseParts(version), this.#tail.whole(version)]
    const selects = parts.map(({ rows, where }) => {
      const all = `SELECT ${selectColumns(rows, where?.kind === 'without' ? [...fileColumns, 'place'] : fileColumns)} FROM ${rows.from}`
      if (where === undefined) return all
      return where.kind === 'rows'
        ? `${all} AND ${where.sql}`
        : `SELECT ${fileColumns.join(', ')} FROM (${all}) ANTI JOIN (${where.sql}) AS gone USING (place)`
    })
    return `(${selects.join(' UNION ALL ')})`
  }

  /** The files of a version, by where they lie. `ready` must have been awaited. */
  parts(version: number): ListPart[] {
    return [...this.#baseParts(version), ...this.#tail.parts(version)]
  }

  /** Exact totals of a version. */
  async counts(version: number): Promise<Counts> {
    await this.ready()
    const own = await this.#tail.totals(version)
    return countsOf(this.#over ? addTotals(own, await this.#over.totals(version)) : own)
  }

  /** File actions after the checkpoint, up to a version. */
  async actionsUpTo(version: number): Promise<number> {
    return version >= this.#last ? this.#tail.rows : this.#tail.actionsUpTo(version)
  }

  /** Lets go of everything. */
  async close(): Promise<void> {
    await this.#turn.catch(() => undefined)
    await this.connection.run(
      [this.#tail.table, this.#over?.table].map((table) => (table ? `DROP TABLE IF EXISTS ${table};` : '')).join(' '),
    )
    await this.connection.close()
    await this.base?.close()
  }

  #baseParts(version: number): ListPart[] {
    return this.base && this.#over ? [this.#over.part(version)] : []
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}
