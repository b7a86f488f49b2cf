/** Several processes write to one table at once: every load is there once, or its writer was told that it is not. */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { startTypeScript } from '../support/child.ts'
import type { Load, LoadResult, RaceJob } from './racer.child.ts'

const racers = 8

class Racer {
  readonly #child: ChildProcess = startTypeScript('test/concurrency/racer.child.ts')
  readonly #answers = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  #complaints = ''

  constructor() {
    this.#child.stderr!.on('data', (text) => {
      this.#complaints += text
    })
  }

  async run(job: RaceJob): Promise<LoadResult[]> {
    this.#child.stdin!.write(`${JSON.stringify(job)}\n`)
    const { value, done } = await this.#answers.next()
    if (done) throw new Error(`a racer ended: ${this.#complaints}`)
    return JSON.parse(value) as LoadResult[]
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once('exit', () => resolve())
      this.#child.stdin!.end()
    })
  }
}

let folder: string
let processes: Racer[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-races-'))
  processes = Array.from({ length: racers }, () => new Racer())
  // The first job of each loads the library, so that the races begin together.
  await race('warm', (racer) => [{ ids: [racer] }], { create: true })
})
afterAll(async () => {
  await Promise.all(processes.map((racer) => racer.end()))
  await rm(folder, { recursive: true, force: true })
})

async function race(
  name: string,
  loadsOf: (racer: number) => Load[],
  options: { create?: true; anyOrder?: true } = {},
): Promise<LoadResult[]> {
  const path = join(folder, name)
  if (!options.create) await Table.create(path, { schema: 'id BIGINT, process BIGINT', ifNotExists: true })
  const results = await Promise.all(processes.map((racer, n) => racer.run({ path, loads: loadsOf(n), ...options })))
  return results.flat()
}

/** The ids of a table, sorted; the log's own count must be the same. */
async function idsOf(name: string): Promise<number[]> {
  const snapshot = await (await Table.open(join(folder, name))).latest()
  const rows = await snapshot.scan({ columns: ['id'] }).toArray()
  expect(await snapshot.rowCount()).toBe(rows.length)
  return rows.map((row) => Number(row.id)).sort((a, b) => a - b)
}

async function versionsOf(name: string): Promise<number[]> {
  const names = await readdir(join(folder, name, '_delta_log'))
  return names
    .filter((file) => /^\d{20}\.json$/.test(file))
    .map((file) => Number.parseInt(file, 10))
    .sort((a, b) => a - b)
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)
const landed = (results: readonly LoadResult[]): number => results.filter((result) => 'version' in result && !result.alreadyApplied).length

it('8 processes appending 50 times each give 400 versions, and all rows once', async () => {
  const results = await race('appends', (racer) => upTo(50).map((i) => ({ ids: [racer * 1000 + i * 2, racer * 1000 + i * 2 + 1] })))
  expect(results.filter((result) => 'code' in result)).toEqual([])
  expect(results.map((result) => 'version' in result && result.version).sort((a, b) => Number(a) - Number(b))).toEqual(
    upTo(400).map((i) => i + 1),
  )
  expect(await versionsOf('appends')).toEqual(upTo(401))
  expect(await idsOf('appends')).toEqual(upTo(racers).flatMap((racer) => upTo(100).map((i) => racer * 1000 + i)))
})

it('racing creates give one table with the rows of all', async () => {
  for (const attempt of upTo(5)) {
    const results = await race(`created-${attempt}`, (racer) => [{ ids: [racer] }], { create: true })
    expect(results.filter((result) => 'code' in result)).toEqual([])
    expect(await versionsOf(`created-${attempt}`)).toEqual(upTo(racers))
    expect(await idsOf(`created-${attempt}`)).toEqual(upTo(racers))
  }
})

it('loads with one transaction id land once, whoever sends them', async () => {
  const results = await race('once', () => upTo(12).map((version) => ({ ids: [version], txn: { appId: 'etl', version } })))
  expect(results.filter((result) => 'code' in result)).toEqual([])
  expect(landed(results)).toBe(12)
  expect(await idsOf('once')).toEqual(upTo(12))
  expect(await versionsOf('once')).toEqual(upTo(13))
})

it('loads of one application out of order are there, or were refused', async () => {
  const numbers = shuffled(racers * 10)
  const loads = (racer: number): Load[] =>
    numbers.slice(racer * 10, racer * 10 + 10).map((version) => ({ ids: [version], txn: { appId: 'etl', version } }))
  const results = await race('out-of-order', loads)
  const there = new Set(await idsOf('out-of-order'))
  const sent = upTo(racers).flatMap((racer) => loads(racer).map(({ txn }) => txn!.version))
  for (const [i, result] of results.entries()) {
    if ('code' in result) expect(result.code, result.message).toBe('TXN_OUT_OF_ORDER')
    // Each number is sent once, so nothing can have been applied already.
    else expect(result.alreadyApplied).toBe(false)
    expect(there.has(sent[i]!), `load ${sent[i]}`).toBe('version' in result)
  }
  expect(there.has(racers * 10 - 1)).toBe(true)
  expect(there.size).toBeLessThan(sent.length)
})

it('loads of one application in any order all land once where that is asked for, also when sent again', async () => {
  const numbers = shuffled(racers * 6)
  const loads = (racer: number): Load[] =>
    numbers.slice(racer * 6, racer * 6 + 6).map((version) => ({ ids: [version], txn: { appId: 'etl', version } }))
  const first = await race('any-order', loads, { anyOrder: true })
  expect(first.filter((result) => 'code' in result)).toEqual([])
  expect(landed(first)).toBe(racers * 6)
  const again = await race('any-order', (racer) => loads((racer + 3) % racers), { anyOrder: true })
  expect(again.filter((result) => 'code' in result)).toEqual([])
  expect(landed(again)).toBe(0)
  expect(await idsOf('any-order')).toEqual(upTo(racers * 6))
})

/** The numbers below `count` in an order that is the same every time. */
function shuffled(count: number): number[] {
  let seed = 42
  const next = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed
  }
  return upTo(count)
    .map((value) => [next(), value] as const)
    .sort(([a], [b]) => a - b)
    .map(([, value]) => value)
}
