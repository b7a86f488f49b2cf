/**
 * Several processes change one table by random verbs. Each version is what one of them was told that it made, and is the version before as that verb
 * changes it. Under WriteSerializable, rows that others appended after a verb had begun may have escaped it, and nothing else.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { startTypeScript } from '../support/child.ts'
import type { ChangeJob, Item, Told, Where } from './changer.child.ts'

const processes = 3
const verbs = 24

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-history-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A row, with the version that appended it where it came by an append. */
interface Known extends Item {
  readonly appended?: number
}

it('every version is what its verb makes of the one before', { timeout: 120_000 }, async () => {
  const children = Array.from({ length: processes }, () => startTypeScript('test/concurrency/changer.child.ts'))
  const complaints: string[] = []
  const answers = children.map((child) => {
    child.stderr!.on('data', (text) => complaints.push(String(text)))
    return createInterface({ input: child.stdout! })[Symbol.asyncIterator]()
  })
  try {
    for (const [index, isolation] of ['Serializable', 'WriteSerializable'].entries()) {
      const path = join(folder, isolation)
      const table = await Table.create(path, {
        schema: 'id BIGINT, part INTEGER, n INTEGER',
        partitionBy: index === 0 ? [] : ['part'],
        properties: { 'delta.isolationLevel': isolation, 'delta.enableRowTracking': String(index === 0), 'delta.checkpointInterval': '10' },
      })
      await table.append(Array.from({ length: 16 }, (_, id) => ({ id, part: id % 4, n: id % 10 })))
      const told = await Promise.all(
        children.map(async (child, number): Promise<Told[]> => {
          const job: ChangeJob = { path, seed: 1 + index * processes + number, verbs }
          child.stdin!.write(`${JSON.stringify(job)}\n`)
          const { value, done } = await answers[number]!.next()
          if (done) throw new Error(`a process ended: ${complaints.join('')}`)
          return JSON.parse(value) as Told[]
        }),
      )
      await explained(await Table.open(path), told.flat(), isolation === 'Serializable')
    }
  } finally {
    for (const child of children) child.stdin!.end()
  }
})

async function explained(table: Table, told: readonly Told[], serializable: boolean): Promise<void> {
  expect(told.filter(({ bug }) => bug !== undefined)).toEqual([])
  for (const { conflict } of told) if (conflict !== undefined) expect(conflict).toMatch(/^(CONCURRENT_(APPEND|DELETE_READ|DELETE_DELETE))$/)
  const newest = await table.version()
  let rows = (await rowsOf(table, 1)).map((row): Known => row)
  const loads = new Set<number>()
  let explainedVersions = 1
  for (let version = 2; version <= newest; version += 1) {
    // A verb that made no version was told the newest one, which is another's.
    const makers = told.filter((one) => one.version === version && !one.alreadyApplied && one.knew < version)
    const is = await rowsOf(table, version)
    const texts = textsOf(is)
    const outcomes = makers.map((maker) => ({ maker, after: applied(maker, rows, is, version, serializable) }))
    const fitting = outcomes.find(({ after }) => after !== undefined && textsOf(after).join() === texts.join())
    expect(
      fitting,
      `version ${version} after ${textsOf(rows).join(' ')} is ${texts.join(' ')}; told: ${JSON.stringify(makers)}`,
    ).toBeDefined()
    rows = fitting!.after!
    const { change } = fitting!.maker
    if (change.kind === 'append' && change.load !== undefined) {
      expect(loads.has(change.load), `load ${change.load} landed before version ${version}`).toBe(false)
      loads.add(change.load)
    }
    explainedVersions += 1
    expect(await (await table.asOf(version)).rowCount()).toBe(rows.length)
  }
  for (const { change, alreadyApplied } of told) if (alreadyApplied) expect(change.kind === 'append' && loads.has(change.load!)).toBe(true)
  expect(explainedVersions).toBe(newest)
  // The table was changed, and not only refused.
  expect(newest).toBeGreaterThan(processes * verbs * 0.2)
}

/** What a verb makes of rows; where rows may have escaped it, those that did, as the version `is`. */
function applied(
  { change, knew }: Told,
  rows: readonly Known[],
  is: readonly Item[],
  version: number,
  serializable: boolean,
): Known[] | undefined {
  const left = new Set(textsOf(is))
  const escaped = (row: Known): boolean => !serializable && (row.appended ?? 0) > knew && left.has(textOf(row))
  switch (change.kind) {
    case 'append':
      return [...rows, ...change.rows.map((row) => ({ ...row, appended: version }))]
    case 'delete':
      return rows.filter((row) => !fits(row, change.where) || escaped(row))
    case 'update':
      return rows.map((row) => (fits(row, change.where) && !escaped(row) ? { id: row.id, part: row.part, n: (row.n + 3) % 10 } : row))
    case 'upsert': {
      const news = new Map(change.rows.map((row) => [row.id, row]))
      const known = new Set(rows.map(({ id }) => id))
      return [...rows.map((row) => news.get(row.id) ?? row), ...change.rows.filter(({ id }) => !known.has(id))]
    }
    case 'optimize':
      return [...rows]
  }
}

function fits(row: Item, { column, value }: Where): boolean {
  return column === 'n' ? row.n >= value : row[column] === value
}

async function rowsOf(table: Table, version: number): Promise<Item[]> {
  const rows = await (await table.asOf(version)).scan().toArray()
  return rows.map(({ id, part, n }) => ({ id: Number(id), part: Number(part), n: Number(n) }))
}

const textOf = ({ id, part, n }: Item): string => `${id}:${part}:${n}`
const textsOf = (rows: readonly Item[]): string[] => rows.map(textOf).sort()
