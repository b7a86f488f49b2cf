/** Commands as runs: told what they need, recorded whatever becomes of them, and not started on data that is not what was written. */
import { once } from 'node:events'
import { access, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { AbortedError, type ExecOptions, Table } from '../../../src/index.ts'
import { ended, startTypeScript } from '../../support/child.ts'

let folder: string
let path: string
let table: Table
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-exec-'))
  process.env.XDG_CACHE_HOME = join(folder, 'cache')
  path = join(folder, 'events')
  table = await Table.create(path, { schema: 'id BIGINT' })
  await table.append([{ id: 1n }, { id: 2n }])
  await table.append([{ id: 3n }])
  await table.tag('v1', { version: 1 })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs a script under Node; what it leaves in `out` is given back. */
async function node(script: string, options: ExecOptions = {}) {
  const out = join(folder, `out-${Math.random()}`)
  const command = [process.execPath, '-e', script]
  const done = await table.run.exec(command, { ...options, env: { OUT: out, ...options.env } })
  return { ...done, out: await readFile(out, 'utf8').catch(() => '') }
}

it('tells the command what it needs, and records what it did', async () => {
  const model = join(folder, 'model.txt')
  const script = `
    const { readFileSync, writeFileSync, appendFileSync } = require('fs')
    const { VARVE_DATA, VARVE_VERSION, VARVE_REF, VARVE_SEED, VARVE_SEED_TORCH, VARVE_RUN_ID, VARVE_DATA_2, VARVE_VERSION_2, VARVE_MODEL } = process.env
    const params = JSON.parse(readFileSync(process.env.VARVE_PARAMS))
    writeFileSync(process.env.OUT, JSON.stringify({ VARVE_DATA, VARVE_VERSION, VARVE_REF, VARVE_SEED, VARVE_SEED_TORCH, VARVE_RUN_ID, VARVE_DATA_2, VARVE_VERSION_2, params, extra: process.env.EXTRA }))
    for (let step = 1; step <= 3; step++) appendFileSync(process.env.VARVE_METRICS, JSON.stringify({ step, loss: 1 / step }) + '\\n')
    appendFileSync(process.env.VARVE_METRICS, JSON.stringify({ auc: 0.93 }))
    writeFileSync(VARVE_MODEL, 'weights')`
  const { run, exitCode, out } = await node(script, {
    data: [`${path}@v1`, { version: 2 }],
    seed: { seed: 42, torch: 7 },
    parameters: { lr: 0.1 },
    model,
    prepare: async ({ versions }) => ({ EXTRA: (await versions[0]!.scan().toArray()).map(({ id }) => id).join() }),
  })
  expect(exitCode).toBe(0)
  expect(JSON.parse(out)).toEqual({
    VARVE_DATA: path,
    VARVE_VERSION: '1',
    VARVE_REF: `${path}@1`,
    VARVE_SEED: '42',
    VARVE_SEED_TORCH: '7',
    VARVE_RUN_ID: run.id,
    VARVE_DATA_2: path,
    VARVE_VERSION_2: '2',
    params: { lr: 0.1 },
    extra: '1,2',
  })
  expect(run).toMatchObject({ status: 'finished', tag: 'v1', metrics: { loss: 1 / 3, auc: 0.93 }, exitCode: 0, signal: null, notes: [] })
  expect(run.command?.slice(0, 2)).toEqual([process.execPath, '-e'])
  expect(run.steps.loss?.map(({ step, value }) => [step, value])).toEqual([
    [1, 1],
    [2, 1 / 2],
    [3, 1 / 3],
  ])
  expect(run.model).toMatchObject({ path: model, bytes: 7 })
  await expect(access(run.metricsFile!)).rejects.toMatchObject({ code: 'ENOENT' })
})

it.each([
  ['an exit code', 'process.exit(7)', { exitCode: 7, signal: null }],
  ['a signal', "process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 100)", { exitCode: 137, signal: 'SIGKILL' }],
])('%s is kept, and the run failed', async (_, script, expected) => {
  const { run, exitCode } = await node(script)
  expect(exitCode).toBe(expected.exitCode)
  expect(run).toMatchObject({ status: 'failed', active: false, ...expected })
})

it('a command that is not there is 127, as in a shell', async () => {
  const { run, exitCode } = await table.run.exec([join(folder, 'no-such-command')])
  expect(exitCode).toBe(127)
  expect(run).toMatchObject({ status: 'failed', notes: [expect.stringContaining('ENOENT')] })
  expect(await table.run.exec(['node', 'a\0b'])).toMatchObject({ exitCode: 126, run: { status: 'failed', exitCode: 126 } })
})

it('is recorded where its metrics are no metrics and its model is not there, and says so', async () => {
  const { run, exitCode } = await node(`require('fs').writeFileSync(process.env.VARVE_METRICS, '{"auc": 0.9, ')`, {
    model: join(folder, 'none'),
  })
  expect(exitCode).toBe(0)
  expect(run).toMatchObject({ status: 'finished', metrics: {}, model: null })
  expect(run.notes).toEqual([expect.stringContaining('no JSON'), expect.stringContaining('There is no model')])
})

it('starts and records nothing on data that differs', async () => {
  const damaged = await Table.create(join(folder, 'damaged'), { schema: 'id BIGINT' })
  await damaged.append([{ id: 1n }])
  const {
    value: { path: file },
  } = (await (await damaged.latest()).files().next()) as { value: { path: string } }
  const handle = await open(join(folder, 'damaged', file), 'r+')
  await handle.write(Buffer.from('XYZ'), 0, 3, 40)
  await handle.close()
  const marker = join(folder, 'started')
  const command = [process.execPath, '-e', `require('fs').writeFileSync(${JSON.stringify(marker)}, '')`]
  for (const verify of ['quick', 'full'] as const) {
    await expect(damaged.run.exec(command, { verify })).rejects.toMatchObject({ code: 'DATA_DIFFERS', data: { version: 1, paths: [file] } })
  }
  await expect(access(marker)).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await damaged.run.list()).toEqual([])
})

it('a run that does not get to its command failed, and says why', async () => {
  const abort = new AbortController()
  const prepare = async () => {
    abort.abort()
    return {}
  }
  await expect(node('', { prepare, signal: abort.signal, name: 'aborted' })).rejects.toThrow(AbortedError)
  expect(await table.run.show('aborted')).toMatchObject({ status: 'failed', notes: [expect.stringContaining('It did not begin')] })
})

it('an abort ends the command by SIGTERM, and what it had said is recorded', async () => {
  const abort = new AbortController()
  const script = `require('fs').writeFileSync(process.env.VARVE_METRICS, '{"auc": 0.5}'); require('fs').writeFileSync(process.env.READY, ''); setInterval(() => {}, 100)`
  const ready = join(folder, 'ready')
  const running = node(script, { signal: abort.signal, env: { READY: ready } })
  while ((await access(ready).catch((error: unknown) => error)) !== undefined) await new Promise((resolve) => setTimeout(resolve, 20))
  abort.abort()
  const { run, exitCode } = await running
  expect(exitCode).toBe(143)
  expect(run).toMatchObject({ status: 'failed', signal: 'SIGTERM', metrics: { auc: 0.5 } })
})

it('what it says by steps is seen while it runs, and counts once', async () => {
  const script = `
    const { appendFileSync, existsSync } = require('fs')
    const say = (line) => appendFileSync(process.env.VARVE_METRICS, JSON.stringify(line) + '\\n')
    say({ step: 1, loss: 3 })
    say({ step: 2, loss: 2 })
    appendFileSync(process.env.VARVE_METRICS, '{"step": 3, "lo')
    setInterval(() => existsSync(process.env.GO) && process.exit(appendFileSync(process.env.VARVE_METRICS, 'ss": 1}\\n{"auc": 0.9}')), 20)`
  const go = join(folder, 'go')
  const running = node(script, { name: 'seen', env: { GO: go } })
  for (;;) {
    const run = await table.run.show('seen').catch(() => undefined)
    if (run?.metrics.loss === 2) {
      expect(run.status).toBe('running')
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await writeFile(go, '')
  const { run } = await running
  expect(run).toMatchObject({ status: 'finished', metrics: { loss: 1, auc: 0.9 }, notes: [] })
  expect(run.steps.loss?.map(({ step, value }) => [step, value])).toEqual([
    [1, 3],
    [2, 2],
    [3, 1],
  ])
})

it('killed half-way, runs are unfinished with what they had recorded, and hold their versions', async () => {
  const child = startTypeScript('test/dataset/runs/exec.child.ts', [path])
  const over = ended(child)
  await once(child.stdout!, 'data')
  child.kill('SIGKILL')
  await over
  const run = await table.run.show('halfway')
  expect(run).toMatchObject({ status: 'unfinished', active: true, end: null })
  expect(await readFile(run.metricsFile!, 'utf8')).toBe('{"auc": 0.5}')
  await rm(join(run.metricsFile!, '..'), { recursive: true })
  const doomed = await table.run.show('doomed')
  expect(doomed).toMatchObject({ status: 'unfinished', active: true, end: null, metrics: { loss: 0.5 }, parameters: { lr: 1 } })
  await table.append([{ id: 4n }])
  await table.untag('v1')
  const held = async () => (await table.vacuum({ olderThan: '0d', dryRun: true })).held.map(({ by }) => by)
  expect(await held()).toEqual(expect.arrayContaining([`run ${run.id}`, `run ${doomed.id}`]))
  for (const { id } of [run, doomed]) expect((await table.run.retire(id)).status).toBe('unfinished')
  expect(await held()).not.toContain(`run ${doomed.id}`)
})
