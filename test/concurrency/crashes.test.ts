/**
 * A writer is killed with SIGKILL at every operation of its store, before, during and after it, and at random times. Whatever it had
 * done: the table reads right, holds its load wholly or not at all, and takes the same load again, exactly once.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
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
  const before = idsOfLoad(0).length * load
  const ids = await idsIn(job.path)
  const expected = Array.from({ length: before + (ids.length > before ? rowsALoad : 0) }, (_, i) => i)
  expect(ids, JSON.stringify(job)).toEqual(expected)
  if (fate.committed) expect(ids.length).toBe(before + rowsALoad)
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
  expect(again.alreadyApplied, JSON.stringify(job)).toBe(ids.length > before)
  return fate
}

const ways = [
  { name: 'rows into a plain table', way: 'rows', checkpoints: false },
  { name: 'a query into a partitioned table with checkpoints', way: 'query', checkpoints: true },
] as const

describe.concurrent.each(ways)('a writer of $name', ({ name, way, checkpoints }) => {
  const shape = {
    ...(way === 'query' && { partitionBy: ['part'] }),
    ...(checkpoints && { properties: { 'delta.checkpointInterval': '2' } }),
  }

  it('is killed before, during and after each operation, and at random times', async () => {
    const path = join(folder, name.replaceAll(' ', '-'))
    let load = 0
    const next = (more: Partial<VictimJob>): VictimJob => ({
      path,
      ids: idsOfLoad(load),
      txn: { appId: 'crash', version: load },
      way,
      create: load % 3 === 0,
      ...shape,
      ...more,
    })
    let killed = 0
    let survived = 0
    const kill = async (more: Partial<VictimJob>, killAfter?: number): Promise<Fate> => {
      const fate = await killOnce(next(more), load, killAfter)
      load += 1
      if (fate.killed) killed += 1
      else survived += 1
      return fate
    }
    const began = performance.now()
    const whole = await kill({})
    const wholeTime = performance.now() - began
    const operations = Math.max(whole.operations!, (await kill({})).operations!, (await kill({})).operations!)
    for (let at = 0; at < operations; at++) {
      await kill({ at, when: 'before' })
      await kill({ at, when: 'after' })
      for (const delay of [0, 150, 600]) await kill({ at, when: 'during', delay })
    }
    for (let i = 0; i < 10; i++) await kill({}, wholeTime * (0.6 + 0.05 * i))
    expect(killed).toBeGreaterThan(operations * 4)
    expect(survived).toBeGreaterThan(2)
    const entries = []
    for await (const entry of (await Table.open(path)).history()) entries.push(entry)
    expect(entries.length).toBe(load)
    console.log(`${name}: ${operations} operations, ${killed} kills, ${survived} survivors`)
  }, 120_000)
})

describe('a first writer', () => {
  it('is killed while it creates the table, and leaves a table or none', async () => {
    for (let at = 0; at < 12; at++) {
      for (const when of ['before', 'during', 'after'] as const) {
        const path = join(folder, `first-${at}-${when}`)
        await killOnce({ path, ids: idsOfLoad(0), txn: { appId: 'crash', version: 0 }, way: 'rows', create: true, at, when, delay: 200 }, 0)
      }
    }
  }, 120_000)
})
