/**
 * A life: a random table that goes through random verbs, beside its {@link Mirror}. Everything comes from the seed and from the number of a step,
 * so that a life can be lived again with fewer steps.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { localStore, type ObjectStore, Table } from '../../src/index.ts'
import { quoteIdentifier } from '../../src/schema/quoting.ts'
import { type Random, seeded } from '../fuzz/random.ts'
import { Before, checkFiles, checkVersion } from './checks.ts'
import { Mirror } from './mirror.ts'
import { type Column, condition, kindNames, kinds, oddNames, plainNames, value } from './values.ts'
import { verbs } from './verbs.ts'

/** What a table is like. */
export interface Traits {
  readonly vectors: boolean
  readonly changeFeed: boolean
  readonly rowTracking: boolean
}

/** What verbs work on. */
export interface Life {
  readonly store: ObjectStore
  readonly mirror: Mirror
  readonly random: Random
  readonly table: Table
  readonly traits: Traits
}

/** Lives a life of the steps with these numbers. @throws with the steps that were taken */
export async function live(seed: number, traits: Traits, steps: readonly number[]): Promise<void> {
  const random = seeded(seed)
  const columns = randomColumns(random)
  const partitions = columns.filter(({ name, kind }) => name !== 'uid' && kinds[kind].partitions && random.below(4) === 0)
  const partitionBy = partitions.slice(0, 2).map(({ name }) => name)
  const mirror = await Mirror.create(columns, partitionBy)
  const folder = await mkdtemp(join(tmpdir(), 'varve-life-'))
  const store = localStore(join(folder, 'table'))
  const told: string[] = []
  try {
    let table = await Table.create(store, {
      schema: columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`).join(', '),
      partitionBy,
      properties: {
        'delta.enableDeletionVectors': String(traits.vectors),
        'delta.enableChangeDataFeed': String(traits.changeFeed),
        ...(traits.rowTracking ? { 'delta.enableRowTracking': 'true' } : {}),
        'delta.checkpointInterval': String(random.of([3, 7, 100])),
      },
    })
    const made = ['create']
    // A handle that is seldom used knows little of what others did.
    let stale = table
    for (const step of steps) {
      const own = seeded(seed * 1_000_003 + step)
      if (own.below(8) === 0) stale = table
      if (own.below(4) === 0) table = await Table.open(store)
      const verb = own.of(verbs)
      const before = mirror.versions.length - 1
      told.push(`step ${step}, version ${before}: ${verb.name}`)
      const life = { store, mirror, random: own, table: own.below(6) === 0 ? stale : table, traits }
      const version = await verb(life, (what) => told.push(`  ${what}`))
      expect(await table.version(), 'the newest version').toBe(version)
      if (version > before) {
        expect(version, 'the version made').toBe(before + 1)
        made.push(verb.name)
        await mirror.keep()
      }
      if (own.below(2) === 0) await checkCondition(table, mirror, own)
    }
    told.push('the end')
    const [reopened, seen] = [await Table.open(store), new Before()]
    for (const [version, then] of mirror.versions.entries()) {
      const before = mirror.versions[version - 1]
      await checkVersion(reopened, version, { then, before, verb: made[version]!, ...traits }, seen)
    }
    await checkFiles(store)
  } catch (error) {
    throw new Error(
      `${told
        .map((line) => line.slice(0, 1500))
        .slice(-60)
        .join('\n')}\n${error instanceof Error ? error.stack : String(error)}`,
      { cause: error },
    )
  } finally {
    mirror.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Rows by a condition are those that the mirror finds, whatever files were skipped. */
async function checkCondition(table: Table, mirror: Mirror, random: Random): Promise<void> {
  const where = condition(mirror.columns, mirror.highest, random)
  const found = await (await table.latest()).query(`SELECT uid::VARCHAR AS uid FROM t WHERE ${where}`, { name: 't' }).toArray()
  const uids = (rows: readonly Record<string, unknown>[]) => rows.map(({ uid }) => Number(uid)).sort((one, other) => one - other)
  expect(uids(found), `version ${mirror.versions.length - 1} WHERE ${where}`).toEqual(
    uids(await mirror.rows(`SELECT uid FROM m WHERE ${where}`)),
  )
}

function randomColumns(random: Random): Column[] {
  const names = [...(random.below(2) === 0 ? plainNames : oddNames)]
  const columns: Column[] = [
    { name: 'uid', kind: 'long', type: 'BIGINT' },
    { name: 'k', kind: 'integer', type: 'INTEGER' },
  ]
  for (let left = 2 + random.below(4); left > 0; left -= 1) {
    const [name] = names.splice(random.below(names.length), 1)
    const kind = random.of(kindNames)
    columns.push({ name: name!, kind, type: kinds[kind].type })
  }
  return columns
}

/** A SELECT of new rows, whose `uid`s follow the highest. */
export function newRows(
  { mirror, random }: { readonly mirror: { readonly columns: readonly Column[]; highest: number }; readonly random: Random },
  count: number,
  columns: readonly Column[] = mirror.columns,
): string {
  const rows = Array.from({ length: count }, () => {
    mirror.highest += 1
    return `(${columns.map((column) => (column.name === 'uid' ? `${mirror.highest}::BIGINT` : value(column, random))).join(', ')})`
  })
  return `SELECT * FROM (VALUES ${rows.join(', ')}) AS fresh(${columns.map(({ name }) => quoteIdentifier(name)).join(', ')})`
}
