/** Runs: what was recorded is found again from both sides, keeps its versions from vacuum, and survives a crash half-way. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConflictError, memoryStore, Table, UsageError, VersionNotFoundError } from '../../../src/index.ts'
import { putRecord } from '../../../src/log/records.ts'
import type { ObjectStore } from '../../../src/storage/index.ts'
import { intercepted } from '../../support/stores/intercepted.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-runs-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A table whose version n has the rows 1 to n. */
async function counters(location: string | ObjectStore, versions: number): Promise<Table> {
  const table = await Table.create(location, { schema: 'id BIGINT, city VARCHAR' })
  for (let id = 1; id <= versions; id += 1) await table.append([{ id: BigInt(id), city: `city ${id}` }])
  return table
}

const ids = (runs: readonly { readonly id: string }[]) => runs.map(({ id }) => id).sort()

describe('a run that is over', () => {
  it('is recorded with all that made it, and found again', async () => {
    const table = await counters(join(folder, 'whole'), 2)
    await table.tag('v2.0', { version: 2 })
    const model = join(folder, 'model.bin')
    await writeFile(model, 'weights')
    await writeFile(join(folder, 'params.yaml'), 'lr: 0.1\nnet:\n  depth: 3\n  name: wide\n')
    await writeFile(join(folder, 'metrics.jsonl'), '{"step": 100, "f1": 0.1}\n{"step": 200, "f1": 0.2}\n')
    const start = new Date('2026-03-15T10:00:00Z')
    const run = await table.run.record({
      name: 'first',
      data: [{ tag: 'v2.0' }],
      parametersFile: join(folder, 'params.yaml'),
      parameters: { net: { depth: 4 }, big: 2n ** 60n },
      seed: 42,
      metrics: { auc: 0.93, loss: [0.9, 0.5], nan: NaN },
      metricsFile: join(folder, 'metrics.jsonl'),
      model,
      author: 'Ada',
      start,
      end: new Date('2026-03-15T10:05:00Z'),
    })
    const fingerprints = await (await table.asOf(2)).fingerprints()
    expect(fingerprints.rows).toMatch(/^[0-9a-f]{64}$/)
    expect(run).toMatchObject({
      name: 'first',
      status: 'finished',
      active: true,
      version: 2,
      tag: 'v2.0',
      fingerprints,
      data: [{ reference: 'whole@v2.0', own: true, version: 2, rows: 2, fingerprints }],
      parameters: { lr: 0.1, net: { depth: 4, name: 'wide' }, big: String(2n ** 60n) },
      seeds: { seed: 42 },
      metrics: { auc: 0.93, loss: 0.5, nan: NaN, f1: 0.2 },
      model: { path: model, sha256: createHash('sha256').update('weights').digest('hex'), bytes: 7, files: 1 },
      author: 'Ada',
      host: hostname(),
      start,
      retired: null,
      erased: null,
    })
    const shown = await (await Table.open(join(folder, 'whole'))).run.show(run.id.slice(0, 10))
    expect(shown).toEqual(run)
    expect(shown.steps.loss).toMatchObject([
      { step: 0, value: 0.9 },
      { step: 1, value: 0.5 },
    ])
    expect(shown.steps.f1?.map(({ step }) => step)).toEqual([100, 200])
    expect(shown.environment).toMatchObject({ runtime: { node: process.version }, hardware: { memory: expect.any(Number) } })
    expect(shown.environment?.dependencies.locks).toContainEqual({
      path: 'package-lock.json',
      sha256: createHash('sha256')
        .update(await readFile('package-lock.json'))
        .digest('hex'),
    })
    expect(shown.code?.commit).toBe(execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).trim())
    expect(await table.run.list()).toMatchObject([{ id: run.id }])
  })

  it('reads what a pin names, and nothing else under its number', async () => {
    const table = await counters(join(folder, 'pinned'), 2)
    const file = join(folder, 'pinned.varve')
    await table.tag('v1', { version: 1 })
    await table.pin({ asOf: { tag: 'v1' }, file })
    expect(await table.run.record({ data: [file] })).toMatchObject({ version: 1, tag: 'v1', data: [{ reference: 'pinned@v1', own: true }] })
    await rm(join(folder, 'pinned'), { recursive: true })
    const other = await counters(join(folder, 'pinned'), 3)
    await expect(other.run.record({ data: [file] })).rejects.toMatchObject({ code: 'PIN_DIFFERS' })
  })

  it('says nothing where it cannot be recorded whole', async () => {
    const table = await counters(memoryStore(), 1)
    await expect(table.run.record({ model: join(folder, 'nowhere') })).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' })
    await expect(table.run.record({ metricsFile: join(folder, 'none.json') })).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' })
    await writeFile(join(folder, 'bad.json'), '{"auc": 0.9')
    await expect(table.run.record({ metricsFile: join(folder, 'bad.json') })).rejects.toMatchObject({ code: 'INPUT_CORRUPT' })
    await expect(table.run.record({ metrics: { auc: 'high' as unknown as number } })).rejects.toThrow(UsageError)
    await expect(table.run.record({ data: [7] })).rejects.toThrow(VersionNotFoundError)
    await expect(table.run.record({ seed: 0.5 })).rejects.toThrow(UsageError)
    await expect(table.run.record({ parametersFile: join(folder, 'none.yaml') })).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' })
    expect(await table.run.list()).toEqual([])
  })

  it('hashes a folder as one model', async () => {
    const table = await counters(memoryStore(), 1)
    const model = join(folder, 'model')
    await mkdir(join(model, 'layers'), { recursive: true })
    await writeFile(join(model, 'config.json'), '{}')
    await writeFile(join(model, 'layers', '1.bin'), 'one')
    const hash = (text: string) => createHash('sha256').update(text).digest('hex')
    const list = `${hash('{}')} config.json\n${hash('one')} layers/1.bin\n`
    expect((await table.run.record({ model })).model).toEqual({ path: model, sha256: hash(list), bytes: 5, files: 2 })
  })
})

describe('from both sides', () => {
  it('a version names its runs, and runs are found by version, metrics and rows', async () => {
    const table = await counters(memoryStore('events'), 3)
    await table.delete({ where: 'id = 1' })
    const first = await table.run.record({ name: 'a', data: [1], metrics: { auc: 0.8 } })
    const second = await table.run.record({ name: 'b', data: [3, 2], metrics: { auc: 0.95, loss: 2 } })
    const third = await table.run.record({ name: 'c' })
    expect(third.version).toBe(4)
    expect((await (await table.asOf(2)).describe()).runs).toEqual([{ id: second.id, name: 'b' }])
    const named = []
    for await (const { version, runs } of table.history()) named.push([version, runs.map(({ name }) => name)])
    expect(named).toEqual([
      [4, ['c']],
      [3, ['b']],
      [2, ['b']],
      [1, ['a']],
      [0, []],
    ])
    expect((await table.verify(2)).ok).toBe(true)
    expect(ids(await table.run.list({ version: 2 }))).toEqual([second.id])
    expect(ids(await table.run.list({ whereMetric: 'auc > 0.9 AND loss IS NOT NULL' }))).toEqual([second.id])
    expect(ids(await table.run.list({ whereMetric: 'unheard > 0.9' }))).toEqual([])
    expect(ids(await table.run.list({ row: 'id = 1' }))).toEqual(ids([first, second]))
    expect(ids(await table.run.list({ row: { where: 'city = $city', params: { city: 'city 3' } } }))).toEqual(ids([second, third]))
    expect(ids(await table.run.list({ row: 'id = 9' }))).toEqual([])
    expect(ids(await table.run.list({ row: 'id = 2', whereMetric: 'auc > 0' }))).toEqual([second.id])
    await expect(table.run.list({ row: 'nothing = 1' })).rejects.toMatchObject({ code: 'SQL_ERROR' })
  })

  it('tells which versions could not be asked for a row', async () => {
    const table = await counters(memoryStore(), 2)
    const failed = await table.run.record({ data: [1], status: 'failed' })
    await table.alter({ add: { name: 'age', type: 'INTEGER' } })
    await table.append([{ id: 7n, age: 3 }])
    const old = await table.run.record({ data: [2] })
    const young = await table.run.record()
    const unknown: number[] = []
    expect(ids(await table.run.list({ row: 'age = 3', onUnknown: (version) => unknown.push(version) }))).toEqual([young.id])
    expect(unknown).toEqual([1, 2])
    await table.vacuum({ olderThan: '0d' })
    unknown.length = 0
    expect(ids(await table.run.list({ row: 'id = 1', onUnknown: (version) => unknown.push(version) }))).toEqual(ids([old, young]))
    expect(unknown).toEqual([1])
    expect(ids(await table.run.list({ version: 1 }))).toEqual([failed.id])
  })

  it('a version is verified by what runs recorded of it', async () => {
    const store = memoryStore()
    const table = await counters(store, 1)
    const { id, fingerprints } = await table.run.record()
    const start = `_varve/runs/${id}/start.json`
    const record = JSON.parse(new TextDecoder().decode((await store.get(start)).bytes))
    record.data[0].fingerprints = { ...fingerprints, rows: '0'.repeat(64) }
    await store.put(start, new TextEncoder().encode(JSON.stringify(record)))
    expect((await table.verify()).ok).toBe(true)
    const { ok, rows, damaged } = await table.verify(undefined, { deep: true })
    expect({ ok, rows, damaged }).toMatchObject({
      ok: false,
      rows: 'different',
      damaged: [{ path: 'rows', message: expect.stringContaining(id) }],
    })
  })

  it('is named by a beginning of its id or by its name, where that is one run', async () => {
    const table = await counters(memoryStore(), 1)
    const [one, other] = [await table.run.record({ name: 'same' }), await table.run.record({ name: 'same' })]
    await table.run.record({ name: 'Solo' })
    expect((await table.run.show(one.id.slice(0, 12))).id).toBe(one.id)
    expect((await table.run.show('Solo')).name).toBe('Solo')
    await expect(table.run.show('same')).rejects.toMatchObject({
      code: 'RUN_AMBIGUOUS',
      data: { runs: expect.arrayContaining([other.id]) },
    })
    await expect(table.run.show('')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
    await expect(table.run.show('zzz')).rejects.toMatchObject({ code: 'RUN_NOT_FOUND' })
  })

  it('two runs are compared by all that made them', async () => {
    const table = await counters(memoryStore(), 1)
    const a = await table.run.record({ parameters: { net: { depth: 3 }, lr: 0.1 }, seed: 1, metrics: { auc: 0.9 } })
    const b = await table.run.record({ parameters: { net: { depth: 4 }, lr: 0.1 }, seed: 1, metrics: { auc: 0.95, loss: 1 } })
    const { sameData, differences } = await table.run.compare(a.id, b.id)
    expect(sameData).toBe('files')
    expect(differences.filter(({ what }) => what !== 'data')).toEqual([
      { what: 'parameter', name: 'net.depth', a: 3, b: 4 },
      { what: 'metric', name: 'auc', a: 0.9, b: 0.95 },
      { what: 'metric', name: 'loss', a: null, b: 1 },
    ])
    await table.append([{ id: 2n }])
    const c = await table.run.record()
    await table.optimize()
    const d = await table.run.record()
    expect((await table.run.compare(b.id, c.id)).sameData).toBe('none')
    expect((await table.run.compare(c.id, d.id)).sameData).toBe('rows')
  })
})

describe('on the way', () => {
  it('metrics are safe once they are awaited, and the last of each is final', async () => {
    const store = memoryStore()
    const table = await counters(store, 1)
    const run = await table.run.start({ name: 'long' })
    for (let step = 1; step <= 50; step += 1) void run.metric('loss', 1 / step, step)
    await run.metrics({ auc: 0.5, val: { auc: NaN } }, 50)
    const half = await (await Table.open(store)).run.show(run.id)
    expect(half).toMatchObject({ status: 'running', active: true, end: null, metrics: { loss: 1 / 50, auc: 0.5, 'val.auc': NaN } })
    expect(half.steps.loss).toHaveLength(50)
    await run.finish({ metrics: { auc: 0.9 } })
    expect(await table.run.show(run.id)).toMatchObject({ status: 'finished', metrics: { loss: 1 / 50, auc: 0.9 } })
    await expect(run.finish()).rejects.toMatchObject({ code: 'RUN_ENDED' })
    let records = 0
    for await (const { key } of store.list(`_varve/runs/${run.id}/metrics/`)) records += key ? 1 : 0
    expect(records).toBeLessThanOrEqual(2)
  })

  it('metrics that could not be written are written with the next', async () => {
    const inner = memoryStore()
    await counters(inner, 1)
    let broken = true
    const store = intercepted(inner, {
      putIfAbsent: async (key, body, options) => {
        if (broken && key.includes('/metrics/')) throw new ConflictError('X', 'no', { remedy: '' })
        return inner.putIfAbsent(key, body, options)
      },
    })
    const run = await (await Table.open(store)).run.start()
    await expect(run.metric('loss', 1, 1)).rejects.toThrow('no')
    void run.metric('loss', 2, 2)
    broken = false
    await run.finish()
    const shown = await (await Table.open(inner)).run.show(run.id)
    expect(shown.steps.loss?.map(({ value }) => value)).toEqual([1, 2])
  })

  it('a run of a process that cannot be looked for is started, and no more is said', async () => {
    const store = memoryStore()
    const table = await counters(store, 1)
    const elsewhere = { pid: process.pid, started: '1', machine: 'another boot' }
    await putRecord(store, '_varve/runs/far/start.json', { version: 1, start: new Date(), process: elsewhere })
    expect(await table.run.list()).toMatchObject([{ id: 'far', status: 'started', version: 1, metrics: {} }])
  })
})

describe('what a run holds', () => {
  it('stays until the run fails or is retired, in other tables too', async () => {
    const labels = await counters(join(folder, 'labels'), 2)
    const table = await counters(join(folder, 'held'), 3)
    for (const each of [labels, table]) await each.overwrite([{ id: 9n }])
    const kept = await table.run.record({ data: [1, `${join(folder, 'labels')}@1`, 2] })
    expect(kept.data.map(({ own, version }) => [own, version])).toEqual([
      [true, 1],
      [false, 1],
      [true, 2],
    ])
    await table.run.record({ data: [3], status: 'failed' })
    expect((await labels.vacuum({ olderThan: '0d' })).held.map(({ version }) => version)).toEqual([1])
    expect(await table.vacuum({ olderThan: '0d' })).toMatchObject({ earliest: 1, ended: [{ to: 0 }, { from: 3, to: 3 }] })
    for (const version of [1, 2]) expect(await (await table.asOf(version)).scan().toArray()).toHaveLength(version)
    expect(await (await labels.asOf(1)).scan().toArray()).toHaveLength(1)
    const retired = await table.run.retire(kept.id, { message: 'replaced', author: 'Ada' })
    expect(retired).toMatchObject({ active: false, status: 'finished', retired: { author: 'Ada', message: 'replaced' } })
    for (const each of [labels, table]) await each.vacuum({ olderThan: '0d' })
    for (const each of [labels, table]) await expect(each.asOf(1)).rejects.toThrow(VersionNotFoundError)
    expect((await table.run.list()).map(({ version }) => version).sort()).toEqual([1, 3])
  })

  it('is retired once, whoever comes first', async () => {
    const store = memoryStore()
    const table = await counters(store, 1)
    const { id } = await table.run.record()
    const handles = await Promise.all(Array.from({ length: 4 }, () => Table.open(store)))
    const all = await Promise.all(handles.map((handle, at) => handle.run.retire(id, { author: `writer ${at}` })))
    const [first] = all
    expect(first?.retired?.author).toMatch(/^writer \d$/)
    for (const each of all) expect(each.retired).toEqual(first?.retired)
  })

  it('is not a version that a vacuum ended while the run was recorded', async () => {
    const store = memoryStore()
    const table = await counters(store, 2)
    const slow = intercepted(store, {
      putIfAbsent: async (key, body, options) => {
        if (key.endsWith('/start.json')) await table.vacuum({ olderThan: '0d' })
        return store.putIfAbsent(key, body, options)
      },
    })
    await expect((await Table.open(slow)).run.start({ data: [1] })).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND' })
    expect(await table.run.list()).toMatchObject([{ status: 'failed', active: false, notes: [expect.stringContaining('Version 1')] }])
    await table.vacuum({ olderThan: '0d' })
  })

  it('is no version whose rows were erased, and the run says so', async () => {
    const store = memoryStore()
    const table = await counters(store, 3)
    const { id } = await table.run.record({ data: [1, 2] })
    await putRecord(store, `_varve/runs/${id}/erased.json`, { versions: [1], time: new Date(), author: 'Ada', message: 'asked for' })
    expect(await table.vacuum({ olderThan: '0d' })).toMatchObject({ held: [{ version: 2, by: `run ${id}` }] })
    expect((await table.run.show(id)).active).toBe(true)
    expect((await table.run.show(id)).erased).toMatchObject({ versions: [1], author: 'Ada', message: 'asked for' })
  })
})
