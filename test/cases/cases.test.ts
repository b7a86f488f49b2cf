/** Tables that other engines wrote (`spec/cases`), read at every version: the rows that their writers read. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { type CanonicalRow, canonicalRows, sameRows } from '../interop/peers/canonical.ts'
import { project } from '../support/project.ts'

/** The rows that a case must give, with the query that gives them; by version. */
interface Expected {
  readonly query: string
  /** In DuckDB's SQL, where it is not the writer's text. */
  readonly duckdb?: string
  readonly versions: Readonly<Record<string, readonly CanonicalRow[]>>
  /** The changes from the first version to the last, without their times. */
  readonly changes?: readonly CanonicalRow[]
}

/** What cannot be read of a version that has rows, and the column that is to blame. */
const refused: Readonly<Record<string, string>> = { 'variant-shredded': 'v' }

const folder = join(project, 'spec', 'cases')
const cases = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'rows.json')))

describe.each(cases)('%s', (name) => {
  const expected = JSON.parse(readFileSync(join(folder, name, 'rows.json'), 'utf8')) as Expected

  it.each(Object.keys(expected.versions))('gives the writer’s rows at version %s', async (version) => {
    const table = await Table.open(join(folder, name, 'table'))
    const snapshot = await table.asOf(Number(version))
    const rows = expected.versions[version]!
    const read = (sql: string) => canonicalRows(snapshot.query(sql, { name: 't' }))
    const column = refused[name]
    if (column !== undefined && rows.length > 0) {
      await expect(read(expected.duckdb ?? expected.query)).rejects.toMatchObject({ code: 'UNSUPPORTED_FEATURE' })
      const others = rows.map((row) => row.filter(([one]) => one !== column))
      sameRows(await read(`SELECT ${others[0]!.map(([one]) => one).join(', ')} FROM t`), others, `version ${version}`)
    } else sameRows(await read(expected.duckdb ?? expected.query), rows, `version ${version}`)
    expect(await snapshot.rowCount()).toBe(rows.length)
  })

  const { changes } = expected
  if (changes !== undefined) {
    it('gives the writer’s changes', async () => {
      const table = await Table.open(join(folder, name, 'table'))
      const found = (await canonicalRows(table.changes({ from: 0 }))).map((row) => row.filter(([column]) => column !== '_commit_timestamp'))
      sameRows(found, changes, 'changes')
    })
  }

  it('has all versions of the table', async () => {
    const table = await Table.open(join(folder, name, 'table'))
    expect(Object.keys(expected.versions).map(Number).at(-1)).toBe(await table.version())
  })
})
