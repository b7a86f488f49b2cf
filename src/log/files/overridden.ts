/**
 * The files of a checkpoint of which later commits speak: each lives until the first of them. The checkpoint is searched once for each
 * load of commits, by path and vector alone.
 */
import type { Connection } from '../../engine/index.ts'
import type { CheckpointBase } from '../checkpoint/checkpoint-base.ts'
import { indexOf, readColumns } from './columns.ts'
import type { ListPart } from './file-rows.ts'
import type { Tail } from './tail.ts'
import { addTotals, noTotals, type Totals, toTotals, totalsColumns, totalsSql } from './totals.ts'

/** Overridden files of a checkpoint. */
export class Overridden {
  readonly table: string
  readonly #connection: Connection
  readonly #base: CheckpointBase
  readonly #tail: Tail
  /** Rows of the tail that have been looked for, and how often. */
  #looked = 0
  #times = 0
  /** Places and the versions that end them, in the order in which they were found. */
  readonly #found: { readonly places: Float64Array; readonly untils: Float64Array }[] = []
  /** Totals of the checkpoint, and of what was found the first `#counted` times by the version that ends it. */
  #whole: Totals | undefined
  readonly #ended = new Map<number, Totals>()
  #counted = 0

  constructor(connection: Connection, base: CheckpointBase, tail: Tail) {
    this.#connection = connection
    this.#base = base
    this.#tail = tail
    this.table = `${tail.table}_over`
  }

  get bytes(): number {
    return this.#found.reduce((sum, { places }) => sum + places.length * 64, 0)
  }

  /** Looks for what the commits loaded since have to say. */
  async update(): Promise<void> {
    const { rows, table: tail } = this.#tail
    if (rows === this.#looked) return
    const times = this.#times + 1
    await this.#connection.run(`CREATE TABLE IF NOT EXISTS ${this.table} (place BIGINT, until BIGINT, found INTEGER);
      INSERT INTO ${this.table} SELECT place, min(version), ${times} FROM (SELECT ${this.#base.place} AS place, ${this.#base.key} FROM ${this.#base.from})
      JOIN (SELECT key, vector, min(version) AS version FROM ${tail} WHERE id >= ${this.#looked} GROUP BY ALL) USING (key, vector)
      WHERE place NOT IN (SELECT place FROM ${this.table}) GROUP BY place`)
    const sql = `SELECT place::DOUBLE AS place, until::DOUBLE AS until FROM ${this.table} WHERE found = ${times}`
    const [places, untils] = (await readColumns(sql, 2)) as [Float64Array, Float64Array]
    if (places.length > 0) this.#found.push({ places, untils })
    this.#times = times
    this.#looked = rows
  }

  /** The checkpoint's files that a version has. */
  part(version: number): ListPart {
    const some = this.#found.some(({ untils }) => untils.some((until) => until <= version))
    return {
      rows: this.#base,
      where: some ? { kind: 'without', sql: `SELECT place FROM ${this.table} WHERE until <= ${version}` } : undefined,
      live: async (all) => {
        if (!some) return undefined
        const live = new Uint8Array(all.length).fill(1)
        for (const { places, untils } of this.#found) {
          for (let i = 0; i < places.length; i++) if (untils[i]! <= version) live[indexOf(all, places[i]!)] = 0
        }
        return live
      },
    }
  }

  /** Totals of the checkpoint's files that a version has. */
  async totals(version: number): Promise<Totals> {
    let totals = await this.#count()
    for (const [until, ended] of this.#ended) if (until <= version) totals = addTotals(totals, ended, -1)
    return totals
  }

  /** Brings `#ended` up to date and gives the totals of the checkpoint. */
  async #count(): Promise<Totals> {
    const times = this.#times
    if (this.#whole && times === this.#counted) return this.#whole
    const { from, place } = this.#base
    const columns = totalsColumns(this.#base)
    const over = `(SELECT place, until FROM ${this.table} WHERE found > ${this.#counted})`
    if (this.#found.length === 0) {
      const [row] = await this.#connection.all(`SELECT ${totalsSql} FROM (SELECT ${columns} FROM ${from})`)
      this.#whole = toTotals(row)
    } else {
      const join = this.#whole ? 'JOIN' : 'LEFT JOIN'
      const rows = await this.#connection.all(
        `SELECT until::DOUBLE AS until, ${totalsSql} FROM (SELECT ${place} AS place, ${columns} FROM ${from}) ${join} ${over} USING (place) GROUP BY until`,
      )
      this.#whole ??= rows.map(toTotals).reduce((one, other) => addTotals(one, other), noTotals)
      for (const row of rows) {
        if (row.until !== null) this.#ended.set(Number(row.until), addTotals(this.#ended.get(Number(row.until)) ?? noTotals, toTotals(row)))
      }
    }
    this.#counted = times
    return this.#whole
  }
}
