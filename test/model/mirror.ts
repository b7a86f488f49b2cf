/** The table as it should be: a table of DuckDB, changed by DuckDB's own statements, of which every version is kept. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { quoteIdentifier } from '../../src/schema/quoting.ts'
import type { Column } from './values.ts'

/** A row as text: its `uid` and its columns, by name. */
export interface TextRow {
  readonly uid: string
  readonly text: string
}

/** What a version should be. */
export interface Version {
  readonly columns: readonly Column[]
  readonly partitionBy: readonly string[]
  readonly rows: readonly TextRow[]
}

/** The SELECT list that gives every column as text, in one order whatever theirs is. */
export function asText(columns: readonly Column[]): string {
  return sorted(columns)
    .map((name, index) => `${quoteIdentifier(name)}::VARCHAR AS "text ${index}"`)
    .join(', ')
}

/** A row of {@link asText}. */
export function textRow(columns: readonly Column[], row: Readonly<Record<string, unknown>>): TextRow {
  const names = sorted(columns)
  const uid = String(row[`text ${names.indexOf('uid')}`])
  return { uid, text: JSON.stringify(names.map((name, index) => [name, row[`text ${index}`]])) }
}

function sorted(columns: readonly Column[]): string[] {
  return columns.map(({ name }) => name).sort()
}

/** Rows in one order. */
export function byUid<Row extends TextRow>(rows: readonly Row[]): Row[] {
  return [...rows].sort((one, other) => Number(one.uid) - Number(other.uid) || (one.text < other.text ? -1 : 1))
}

let count = 0
let instance: Promise<DuckDBInstance> | undefined

/** A connection whose tables are its own. */
async function connect(): Promise<DuckDBConnection> {
  instance ??= DuckDBInstance.create(':memory:', { threads: '1' })
  const made = await (await instance).connect()
  count += 1
  await made.run(`SET TimeZone = 'UTC'; CREATE SCHEMA life_${count}; USE life_${count}`)
  return made
}

/** A table and its versions. */
export class Mirror {
  columns: readonly Column[]
  partitionBy: readonly string[]
  readonly versions: Version[] = []
  /** The highest `uid` that a row was given. */
  highest = -1
  readonly #connection: DuckDBConnection

  private constructor(made: DuckDBConnection, columns: readonly Column[], partitionBy: readonly string[]) {
    this.#connection = made
    this.columns = columns
    this.partitionBy = partitionBy
  }

  static async create(columns: readonly Column[], partitionBy: readonly string[]): Promise<Mirror> {
    const mirror = new Mirror(await connect(), columns, partitionBy)
    await mirror.run(`CREATE TABLE m (${columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`).join(', ')})`)
    await mirror.keep()
    return mirror
  }

  get latest(): Version {
    return this.versions.at(-1)!
  }

  /** Runs a statement; the table is called `m`. */
  async run(sql: string): Promise<void> {
    await this.#connection.run(sql)
  }

  async rows(sql: string): Promise<Record<string, unknown>[]> {
    return (await this.#connection.runAndReadAll(sql)).getRowObjects()
  }

  async number(sql: string): Promise<number> {
    const [row] = await this.rows(sql)
    return Number(Object.values(row!)[0])
  }

  /** How many rows fulfil a condition. */
  matching(condition: string): Promise<number> {
    return this.number(`SELECT count(*) FROM m WHERE ${condition}`)
  }

  /** The table is a version. A partition value of no characters is NULL (§Partition Value Serialization). */
  async keep(): Promise<void> {
    for (const { name, kind } of this.columns) {
      if (kind === 'string' && this.partitionBy.includes(name)) {
        await this.run(`UPDATE m SET ${quoteIdentifier(name)} = NULL WHERE ${quoteIdentifier(name)} = ''`)
      }
    }
    await this.run(`CREATE TABLE m_${this.versions.length} AS FROM m`)
    const rows = await this.rows(`SELECT ${asText(this.columns)} FROM m`)
    this.versions.push({ columns: this.columns, partitionBy: this.partitionBy, rows: byUid(rows.map((row) => textRow(this.columns, row))) })
  }

  /** The table is as it was. */
  async restore(version: number): Promise<void> {
    await this.run(`CREATE OR REPLACE TABLE m AS FROM m_${version}`)
    this.columns = this.versions[version]!.columns
  }

  dispose(): void {
    this.#connection.disconnectSync()
  }
}
