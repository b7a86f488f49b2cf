import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { DeltaLog } from '../../src/log/delta-log.ts'
import { CommitTimes, versionAt } from '../../src/log/history.ts'
import { commitKey } from '../../src/log/paths.ts'
import { localStore } from '../../src/storage/index.ts'
import { add, metadata, protocol, putCommit } from './tools.ts'

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

const inCommit = { protocol: { minReaderVersion: 1, minWriterVersion: 7, writerFeatures: ['inCommitTimestamp'] } }

/** A log whose commit files have these modification times, and from `enabled` on these times of their own. */
async function logWith(files: readonly number[], own: readonly number[] = [], enabled = files.length) {
  const folder = await mkdtemp(join(tmpdir(), 'varve-'))
  folders.push(folder)
  const store = localStore(folder)
  for (let version = 0; version < files.length + own.length; version += 1) {
    const time = own[version - files.length]
    const ground = version === 0 ? [protocol, metadata()] : []
    const enabling =
      time !== undefined && version === enabled
        ? [inCommit, metadata({ 'delta.enableInCommitTimestamps': 'true', 'delta.inCommitTimestampEnablementVersion': String(enabled) })]
        : []
    const info = { commitInfo: { ...(time === undefined ? {} : { inCommitTimestamp: time }), operation: 'WRITE' } }
    await putCommit(store, version, [info, ...ground, ...enabling, add(`f${version}`)])
    const seconds = (files[version] ?? 5_000_000) / 1000
    await utimes(join(folder, commitKey(version)), seconds, seconds)
  }
  return (await DeltaLog.open(store))!
}

async function at(log: DeltaLog, instant: number): Promise<number | undefined> {
  return versionAt(log.store, log.latest, instant)
}

test('file times are made monotonic before an instant is looked up', async () => {
  const log = await logWith([1000, 3000, 2000, 2500, 9000])
  const times = new CommitTimes(log.store, log.latest)
  const adjusted = await Promise.all([0, 1, 2, 3, 4].map(async (version) => times.of({ version, bytes: new Uint8Array(), modified: 0 })))
  expect(adjusted).toEqual([1000, 3000, 3001, 3002, 9000])
  expect([
    await at(log, 999),
    await at(log, 1000),
    await at(log, 2999),
    await at(log, 3001),
    await at(log, 8999),
    await at(log, 9e9),
  ]).toEqual([undefined, 0, 0, 2, 3, 4])
})

test("a commit's own time counts from the version that enabled it on, its file's before", async () => {
  const log = await logWith([1000, 2000, 3000], [2500, 4000])
  expect([await at(log, 1500), await at(log, 2400), await at(log, 2500), await at(log, 3999), await at(log, 4000)]).toEqual([0, 1, 3, 3, 4])
  expect(await at(log, 999)).toBeUndefined()
})

test('where own times were switched off again, those of the files count for all versions', async () => {
  const { store } = await logWith([1000, 2000], [1500, 1600])
  const off = metadata({ 'delta.enableInCommitTimestamps': 'false', 'delta.inCommitTimestampEnablementVersion': '2' })
  await putCommit(store, 4, [{ commitInfo: { operation: 'SET TBLPROPERTIES' } }, off])
  await utimes(join(folders.at(-1)!, commitKey(4)), 6000, 6000)
  const log = (await DeltaLog.open(store))!
  expect([await at(log, 1700), await at(log, 2500), await at(log, 5_000_000), await at(log, 5_000_001), await at(log, 7e6)]).toEqual([
    0, 1, 2, 3, 4,
  ])
})

test('own times are found by bisection, over commits that a cleanup took', async () => {
  const log = await logWith(
    [],
    Array.from({ length: 40 }, (_, i) => 1000 + 10 * i),
    0,
  )
  for (const version of [0, 1, 17, 39]) expect(await at(log, 1000 + 10 * version)).toBe(version)
  expect(await at(log, 999)).toBeUndefined()
  await log.store.delete(Array.from({ length: 10 }, (_, i) => commitKey(i)))
  expect(await at(log, 1105)).toBe(10)
  expect(await at(log, 1005)).toBeUndefined()
})
