/**
 * A writer is killed with SIGKILL at the operations of its store, before, during or after each, and at random times. Whatever it had done: the table
 * reads right, holds its load or its change wholly or not at all, and takes the same load again, exactly once.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Table, TableNotFoundError } from '../../src/index.ts'
import { compiledChild } from './compiled.ts'
import type { VictimJob } from './victim.child.ts'

const rowsALoad = 6
let child: Awaited<ReturnType<typeof compiledChild>>
let folder: string
beforeAll(async () => {
  child = await compiledChild('test/concurrency/victim.child.ts')
  folder = await mkdtemp(join(tmpdir(), 'varve-crashes-'))
})
afterAll(async () => {
  await child.dispose()
  await rm(folder, { recursive: true, force: true })
})

interface Fate {
  readonly killed: boolean
  readonly committed: boolean
  readonly operations: number | undefined
}

async function victim(job: VictimJob, killAfter?: number): Promise<Fate> {
  const process_ = spawn(process.execPath, [child.path, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const [output, complaints] = [collected(process_, 'stdout'), collected(process_, 'stderr')]
  const timer = killAfter === undefined ? undefined : setTimeout(() => process_.kill('SIGKILL'), killAfter)
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    process_.once('close', (...end) => resolve(end)),
  )
  clearTimeout(timer)
  if (signal !== 'SIGKILL' && code !== 0) throw new Error(`the victim failed by itself: ${complaints()}`)
  const committed = /committed (\d+)/.exec(output())
  return { killed: signal === 'SIGKILL', committed: committed !== null, operations: committed ? Number(committed[1]) : undefined }
}

function collected(child_: ChildProcess, stream: 'stdout' | 'stderr'): () => string {
  let text = ''
  child_[stream]!.on('data', (chunk) => {
    text += chunk
  })
  return () => text
}

const idsOfLoad = (load: number): number[] => Array.from({ length: rowsALoad }, (_, i) => load * rowsALoad + i)

/** The ids in the table; none where there is no table yet. */
async function idsIn(path: string): Promise<number[]> {
  try {
    const snapshot = await (await Table.open(path)).latest()
    const rows = await snapshot.scan({ columns: ['id'] }).toArray()
    expect(await snapshot.rowCount()).toBe(rows.length)
    return rows.map(({ id }) => Number(id)).sort((a, b) => a - b)
  } catch (error) {
    if (error instanceof TableNotFoundError) return []
    throw error
  }
}

/** Kills a victim on load `load` of a table that holds all loads before, looks at the table, and sends the load again. */
async function killOnce(job: VictimJob, load: number, killAfter?: number): Promise<Fate> {
  const fate = await victim(job, killAfter)
  const before = load * rowsALoad
  const ids = await idsIn(job.path)
  const what = `${JSON.stringify(job)} ${killAfter ?? ''}`
  expect(ids, what).toEqual(Array.from({ length: before + (ids.length > before ? rowsALoad : 0) }, (_, i) => i))
  if (fate.committed) expect(ids.length, what).toBe(before + rowsALoad)
  const again = await Table.append(
    job.path,
    idsOfLoad(load).map((id) => ({ id: BigInt(id), part: BigInt(id % 2) })),
    {
      create: true,
      txn: job.txn,
      ...(job.partitionBy && { partitionBy: [...job.partitionBy] }),
      ...(job.properties && { properties: { ...job.properties } }),
    },
  )
  expect(again.alreadyApplied, what).toBe(ids.length > before)
  return fate
}

/** Where a victim dies, or after how many milliseconds. */
interface Death {
  readonly at?: number
  readonly when?: NonNullable<VictimJob['when']>
  readonly delay?: number
  readonly killAfter?: number
}

/** Loads into one table; the next table begins after so many, since looking at a table takes longer the more loads it has. */
const loadsATable = 20

/** Kills a victim in each of these ways, one after the other; returns how many were killed and how many got through. */
async function killAll(name: string, shape: Pick<VictimJob, 'way' | 'partitionBy' | 'properties'>, deaths: readonly Death[]) {
  let killed = 0
  for (const [i, { killAfter, ...death }] of deaths.entries()) {
    const load = i % loadsATable
    const path = join(folder, `${name}-${Math.floor(i / loadsATable)}`.replaceAll(' ', '-'))
    const job: VictimJob = {
      path,
      ids: idsOfLoad(load),
      txn: { appId: 'crash', version: load },
      create: load % 5 === 0,
      ...shape,
      ...death,
    }
    if ((await killOnce(job, load, killAfter)).killed) killed += 1
    if (load < loadsATable - 1 && i < deaths.length - 1) continue
    let versions = 0
    for await (const entry of (await Table.open(path)).history()) versions += Number(entry.version >= 0)
    expect(versions).toBe(load + 1)
  }
  return { killed, survived: deaths.length - killed }
}

const ways = [
  { name: 'rows into a plain table', shape: { way: 'rows' } },
  {
    name: 'a query into a partitioned table with checkpoints',
    shape: { way: 'query', partitionBy: ['part'], properties: { 'delta.checkpointInterval': '2' } },
  },
] as const

describe.concurrent.each(ways)('a writer of $name', ({ name, shape }) => {
  it('is killed before, during and after each operation, and at random times', { timeout: 300_000 }, async () => {
    const whole = { path: join(folder, `${name}-whole`), ids: idsOfLoad(0), create: true, ...shape }
    const began = performance.now()
    const operations: number[] = []
    for (const version of [0, 1, 2]) operations.push((await victim({ ...whole, txn: { appId: 'crash', version } })).operations ?? 0)
    const lifetime = (performance.now() - began) / 3
    const each = Array.from({ length: Math.max(...operations) }, (_, at) => deathAt(at))
    const random = Array.from({ length: 6 }, (_, i): Death => ({ killAfter: lifetime * (0.55 + i / 12) }))
    const { killed } = await killAll(name, shape, [...each, ...random])
    expect(killed).toBeGreaterThan(each.length / 2)
  })
})

describe.concurrent('a first writer', () => {
  it('is killed while it creates the table, and leaves a table or none', { timeout: 300_000 }, async () => {
    for (let at = 0; at < 8; at++) {
      const path = join(folder, `first-${at}`)
      await killOnce({ path, ids: idsOfLoad(0), txn: { appId: 'crash', version: 0 }, way: 'rows', create: true, ...deathAt(at) }, 0)
    }
  })
})

/** How many points of a verb are tried, beside its last ones, where the commit is. */
const pointsAVerb = 3

describe.concurrent.each(['delete', 'update', 'merge', 'overwrite', 'optimize', 'alter', 'restore'] as const)('%s', (verb) => {
  it('is killed at some operations, and is done or not begun', { timeout: 300_000 }, async () => {
    const origin = join(folder, `origin-${verb}`)
    const properties = { 'delta.enableChangeDataFeed': 'true' }
    const table = await Table.create(origin, { schema: 'id BIGINT, part BIGINT', properties })
    for (const load of [0, 1]) await table.append(idsOfLoad(load).map((id) => ({ id: BigInt(id), part: BigInt(id % 2) })))
    await table.delete({ where: 'id = 4' })
    const before = await stateOf(origin)
    const kill = async (name: string, death: Death): Promise<{ fate: Fate; path: string }> => {
      const path = join(folder, `${verb}-${name}`)
      await cp(origin, path, { recursive: true })
      return {
        fate: await victim({ path, ids: [], txn: { appId: 'crash', version: 0 }, way: 'rows', create: false, verb, ...death }),
        path,
      }
    }
    const whole = await kill('whole', {})
    const after = await stateOf(whole.path)
    expect(after.version).toBe(before.version + 1)
    const operations = whole.fate.operations!
    const spread = Array.from({ length: pointsAVerb }, (_, i) => Math.floor((i * operations) / pointsAVerb))
    let killed = 0
    for (const at of new Set([...spread, ...[3, 2, 1].map((last) => operations - last)])) {
      const death = deathAt(at)
      const { fate, path } = await kill(String(at), death)
      killed += Number(fate.killed)
      const what = `${verb} killed ${JSON.stringify(death)}`
      const is = await stateOf(path)
      expect([before, after], what).toContainEqual(is)
      if (fate.committed) expect(is, what).toEqual(after)
      await (await Table.open(path)).append([{ id: 999n }])
      expect((await stateOf(path)).rows.length, what).toBe(is.rows.length + 1)
    }
    expect(killed).toBeGreaterThan(2)
  })
})

/** A death at an operation: before it, after it, or some microseconds into it. */
function deathAt(at: number): Death {
  const ways: readonly Death[] = [
    { when: 'before' },
    { when: 'after' },
    { when: 'during', delay: 0 },
    { when: 'during', delay: 150 },
    { when: 'during', delay: 600 },
  ]
  return { at, ...ways[at % ways.length] }
}

/** What a table is: its version, columns and rows, of every version by the way, so that no file is missing. */
async function stateOf(
  path: string,
): Promise<{ readonly version: number; readonly columns: readonly string[]; readonly rows: readonly string[] }> {
  const table = await Table.open(path)
  const snapshot = await table.latest()
  for (let version = 1; version < snapshot.version; version += 1)
    await (await table.asOf(version)).query('SELECT sum(hash(t)) FROM t', { name: 't' }).toArray()
  const found = await snapshot.scan().toArray()
  expect(await snapshot.rowCount()).toBe(found.length)
  const rows = found.map((row) => Object.values(row).join(' ')).sort()
  return { version: snapshot.version, columns: snapshot.schema.fields.map(({ name }) => name), rows }
}
