/**
 * Tables of every kind through the verbs of Varve, of Spark, and of Varve again: each version, read by each engine, holds the rows of the model;
 * history, change feed and row ids are the same for Spark and for us.
 */
import { cp, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { canonicalModel, type LifeCase, lifeCases, loads, type ModelRow, ours, oursAgain, type Step, theirs } from './lives.ts'
import { type CanonicalRow, canonicalRows, sameRows } from './peers/canonical.ts'
import { deltaRs, duckDelta, spark } from './peers/peer.ts'
import { temporaryFolder, varveRows } from './tables.ts'

/** Columns of numbers that a row is given once. */
const givenColumns = new Set(['seq', 'row_id'])
const rowIds = ['row_id', 'row_commit_version']

/** What happened to a table: the model's rows at each version, and what the history must say. */
class Life {
  readonly path: string
  readonly #table: LifeCase
  readonly #rows = new Map<number, readonly ModelRow[]>()
  readonly #named = new Map<string, number>()
  readonly #operations: string[] = []
  readonly #given = new Map<number, ReadonlyMap<string, ReadonlyMap<string, string>>>()

  constructor(path: string, table: LifeCase) {
    this.path = path
    this.#table = table
  }

  /** All versions that were noted. */
  get versions(): number[] {
    return [...this.#rows.keys()]
  }

  /** The operations of the steps, the newest first. */
  get operations(): string[] {
    return [...this.#operations].reverse()
  }

  async run(step: Step): Promise<void> {
    const rows = step.becomes(this.#rows.get(this.versions.at(-1) ?? -1) ?? [], this.#models())
    await step.run(this.path, this.#named)
    this.#operations.push(step.operation)
    this.#named.set(step.name, await this.note(rows))
  }

  /** The table's newest version has these rows; by default those that it had. @returns that version */
  async note(rows: readonly ModelRow[] = this.#rows.get(this.versions.at(-1)!)!): Promise<number> {
    const version = await (await Table.open(this.path)).version()
    expect(this.versions.at(-1) ?? -1, 'the version before').toBeLessThan(version)
    this.#rows.set(version, rows)
    return version
  }

  /** An engine's rows of a version are the model's; numbers that rows were given differ, and stay while the row does. */
  compare(version: number, rows: readonly CanonicalRow[], what: string): void {
    const only = (row: CanonicalRow, given: boolean) => row.filter(([name]) => givenColumns.has(name) === given)
    const expected = canonicalModel(this.#rows.get(version)!, this.#table)
    sameRows(
      rows.map((row) => only(row, false)),
      expected,
      `${what} at ${version}`,
    )
    const before = this.#given.get(this.versions[this.versions.indexOf(version) - 1]!)
    const now = new Map(rows.map((row) => [row[0]![1] as string, new Map(only(row, true) as [string, string][])]))
    for (const column of now.values().next().value!.keys()) {
      const numbers = new Set([...now.values()].map((given) => given.get(column)))
      expect(numbers.size, `${column} of ${what} at ${version}`).toBe(rows.length)
      for (const [id, given] of now) {
        const known = before?.get(id)?.get(column)
        if (known !== undefined) expect(given.get(column), `${column} of ${id} of ${what} at ${version}`).toBe(known)
      }
    }
    this.#given.set(version, now)
  }

  #models(): Map<string, readonly ModelRow[]> {
    return new Map([...this.#named].map(([name, version]) => [name, this.#rows.get(version)!]))
  }
}

/** Our rows, with what row tracking knows of them. */
async function rowsWithIds(path: string, version: number): Promise<CanonicalRow[]> {
  const snapshot = await (await Table.open(path)).asOf(version)
  const columns = rowIds.map((name) => `_metadata.${name} AS ${name}`).join(', ')
  return canonicalRows(snapshot.query(`SELECT *, ${columns} FROM t`, { name: 't' }))
}

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.dispose())

const cases = lifeCases.map((table, place) => ({ ...table, place, title: `${table.by}: ${table.name}` }))

describe.each(cases)('$title', ({ place, ...table }) => {
  let life: Life
  let checked = 0
  let altered: number | undefined

  /** Every engine reads every version that was not compared before. */
  async function compareAll(): Promise<void> {
    const versions = life.versions.filter((version) => version >= checked)
    checked = versions.at(-1)! + 1
    const bySpark = await spark.readVersions(life.path, versions, table.rowTracking ? rowIds : [])
    const withoutCommit = (row: CanonicalRow) => row.filter(([name]) => name !== 'row_commit_version')
    for (const [index, version] of versions.entries()) {
      const rows = table.rowTracking ? await rowsWithIds(life.path, version) : await varveRows(life.path, version)
      sameRows(bySpark[index]!, rows, `Spark at ${version}`)
      life.compare(version, rows.map(withoutCommit), 'Varve')
      life.compare(version, await duckDelta.read(life.path, { version }), 'DuckDB')
      if (table.forDeltaRs) life.compare(version, await deltaRs.read(life.path, { version }), 'delta-rs')
    }
  }

  it('has the same rows for every engine after each verb of Varve', async () => {
    life = new Life(join(folder.path, `table-${place}`), table)
    await table.create(life.path)
    for (const step of loads[table.by]) await life.run(step)
    if (table.alter) {
      await table.alter(life.path)
      altered = await life.note()
    }
    for (const step of ours(table)) await life.run(step)
    await compareAll()
  })

  it('has them after each verb of Spark, and after more of Varve', async () => {
    for (const step of table.by === 'Varve' ? [...theirs, ...oursAgain] : oursAgain) await life.run(step)
    await compareAll()
  })

  it('has a history that Spark shows', async () => {
    const history = await spark.history(life.path)
    const shown = history.map(({ operation }) => operation).filter((operation) => !/ALTER|COLUMN|CREATE|CONSTRAINT/.test(operation))
    expect(shown).toEqual(life.operations)
  })

  if (table.changeFeed) {
    it('has the same change feed for Spark', async () => {
      const last = life.versions.at(-1)!
      const handle = await Table.open(life.path)
      // Spark gives no feed across a change of types.
      const first = altered ?? life.versions[0]!
      sameRows(await canonicalRows(handle.changes({ from: first, to: last })), await spark.changes(life.path, first, last), 'Varve')
    })
  }

  it("is read from Spark's checkpoint by Varve, and from ours by Spark and DuckDB", async () => {
    const last = life.versions.at(-1)!
    for (const by of ['Spark', 'Varve'] as const) {
      const copy = join(folder.path, `copy-${place}-${by}`)
      await cp(life.path, copy, { recursive: true, preserveTimestamps: true })
      if (by === 'Spark') await spark.checkpoint(copy)
      else await (await Table.open(copy)).checkpoint()
      const names = await readdir(join(copy, '_delta_log'))
      expect(names.some((name) => name.startsWith(`${String(last).padStart(20, '0')}.checkpoint`))).toBe(true)
      // All that could be read instead.
      for (const name of names) {
        const version = Number.parseInt(name, 10)
        if (version < last || name.endsWith('.crc')) await rm(join(copy, '_delta_log', name), { recursive: true })
      }
      if (by === 'Varve') life.compare(last, await spark.read(copy), `Spark, checkpoint of ${by}`)
      life.compare(last, await varveRows(copy), `Varve, checkpoint of ${by}`)
      life.compare(last, await duckDelta.read(copy), `DuckDB, checkpoint of ${by}`)
      if (by === 'Spark') {
        await (await Table.open(copy)).delete({ where: 'id % 2 = 1' })
        sameRows(await spark.read(copy), await varveRows(copy), 'Spark after a delete')
      }
    }
  })
})
