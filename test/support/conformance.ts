import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { project } from './project.ts'

/** A golden table, as the inventory has it. */
export interface GoldenTable {
  readonly name: string
  /** The table's folder, absolute. */
  readonly folder: string
  readonly features: readonly string[]
  readonly latestVersion: number | null
  readonly rowCount: number | null
  /** A reader must refuse it. */
  readonly mustFail: boolean
  /** Features to refuse by name or to implement. */
  readonly refuseUnlessImplemented: readonly string[] | null
  readonly cases: readonly GoldenCase[]
}

/** What another engine's tests expect of a golden table. */
export type GoldenCase = AssertCase | ReadCase | ChangesCase | ErrorCase

/** Facts about a version. */
export interface AssertCase {
  readonly kind: 'assert'
  readonly id: string
  readonly expect: Readonly<Record<string, unknown>>
}

/** Changes between two points, as printed cells in any order. */
export interface ChangesCase {
  readonly kind: 'cdf'
  readonly id: string
  readonly start?: number | null
  readonly end?: number | null
  readonly startTimestamp?: string
  readonly endTimestamp?: string
  readonly filter?: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** What must end in an error. */
export interface ErrorCase {
  readonly kind: 'error'
  readonly id: string
  /** `cdf` for changes between two versions, else a read. */
  readonly op: string
  readonly start?: number
  readonly end?: number
}

/** Rows that a read gives, as printed cells in any order. */
export interface ReadCase {
  readonly kind: 'read'
  readonly id: string
  /** Default: the latest. */
  readonly version?: number
  /** Columns. Default: all. */
  readonly select?: readonly string[]
  readonly filter?: string
  /** What the engine made of the filter. */
  readonly filterIs?: string
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/**
 * The folder of the golden tables, beside the project, or undefined where it is not there: the tests that need it are then left
 * out, and it is said. With `VARVE_CONFORMANCE=required` its absence is an error.
 */
export function conformanceFolder(): string | undefined {
  const folder = join(project, '..', 'shared', 'conformance')
  if (existsSync(join(folder, 'inventory.json'))) return folder
  if (process.env.VARVE_CONFORMANCE === 'required') throw new Error(`The golden tables are required and not there: ${folder}`)
  console.warn('The golden tables are not beside this project: their tests are left out.')
  return undefined
}

/** The golden tables with their cases; none where the folder is absent. */
export function goldenTables(): readonly GoldenTable[] {
  const root = conformanceFolder()
  if (root === undefined) return []
  const readJson = (path: string): unknown => JSON.parse(readFileSync(join(root, path), 'utf8'))
  const inventory = readJson('inventory.json') as (Omit<GoldenTable, 'folder' | 'cases'> & { path: string; expected: string | null })[]
  return inventory.map((table) => {
    const expected = table.expected === null ? { cases: [] } : (readJson(table.expected) as { cases: GoldenCase[] })
    return { ...table, folder: join(root, table.path), cases: expected.cases }
  })
}
