/**
 * Random histories, vacuumed with random ages and holds, against a model that keeps every version's files as plain sets: what a version
 * that stays names is there and the version reads the same; what only ended versions named is gone; nothing else is touched.
 */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { vectorFileText } from '../../../src/data/vectors/descriptor.ts'
import type { Action, DeletionVectorDescriptor } from '../../../src/log/actions.ts'
import { DeltaLog } from '../../../src/log/delta-log.ts'
import { vacuum } from '../../../src/operations/vacuum/vacuum.ts'
import { memoryStore, type ObjectStore } from '../../../src/storage/index.ts'
import { putCheckpoint, shapes } from '../../log/checkpoint/checkpoint-shapes.ts'
import { add, metadata, protocol, putCommit, remove } from '../../log/tools.ts'

const hour = 3_600_000
const day = 24 * hour
const begin = Date.UTC(2026, 0, 1)

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: begin }))
afterEach(() => {
  vi.useRealTimers()
})

/** Keys as the log may spell them: plain, encoded, absolute under another mount, with a needless part, in a folder of a hidden column. */
const spellings: readonly ((name: string) => { key: string; path: string })[] = [
  (name) => ({ key: `${name}.parquet`, path: `${name}.parquet` }),
  (name) => ({ key: `day=a b/${name}.parquet`, path: `day=a%20b/${name}.parquet` }),
  (name) => ({ key: `x=1%/${name}.parquet`, path: `x=1%25/${name}.parquet` }),
  (name) => ({ key: `${name}.parquet`, path: `file:///mnt/other/events/${name}.parquet` }),
  (name) => ({ key: `sub/${name}.parquet`, path: `./sub//${name}.parquet` }),
  (name) => ({ key: `_p=1/${name}.parquet`, path: `_p=1/${name}.parquet` }),
]

const schemaString = JSON.stringify({
  type: 'struct',
  fields: ['id', '_p'].map((name) => ({ name, type: 'string', nullable: true, metadata: {} })),
})

interface File {
  readonly key: string
  readonly path: string
  readonly written: number
  readonly vector?: { readonly key: string; readonly descriptor: DeletionVectorDescriptor } | undefined
}

/** What is none of the table's, and a file that no version names. */
const foreign = [
  'README.txt',
  'notes/_hidden.parquet',
  '.git/x.parquet',
  'another/part-1.parquet',
  'another/_delta_log/00000000000000000000.json',
  'orphan.parquet',
]

/** A version as the model knows it. */
interface Version {
  readonly time: number
  readonly live: ReadonlyMap<string, File>
  readonly changes: readonly string[]
}

function vectorOf(number: number, prefix: boolean) {
  const uuid = `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
  const folder = prefix ? 'ab' : ''
  return {
    key: `${folder ? `${folder}/` : ''}deletion_vector_${uuid}.bin`,
    descriptor: { storageType: 'u' as const, pathOrInlineDv: folder + vectorFileText(uuid), offset: 1, sizeInBytes: 10, cardinality: 1 },
  }
}

const step = fc.record({
  hours: fc.integer({ min: 1, max: 60 }),
  adds: fc.array(fc.nat(spellings.length - 1), { maxLength: 2 }),
  removes: fc.array(fc.nat(50), { maxLength: 2 }),
  mark: fc.option(fc.record({ file: fc.nat(50), prefix: fc.boolean() }), { nil: undefined }),
  change: fc.boolean(),
  revive: fc.boolean(),
  checkpoint: fc.option(fc.constantFrom(...shapes), { nil: undefined, freq: 4 }),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function put(store: ObjectStore, key: string): Promise<void> {
  await store.put(key, new TextEncoder().encode(key))
}

/** Makes a table by steps. @returns its versions */
async function make(store: ObjectStore, steps: readonly Step[]): Promise<Version[]> {
  const versions: Version[] = []
  let live = new Map<string, File>()
  const dead: File[] = []
  let names = 0
  for (const [version, { hours, adds, removes, mark, change, revive, checkpoint }] of steps.entries()) {
    vi.setSystemTime(Date.now() + hours * hour)
    const actions: Action[] = version === 0 ? [protocol, metadata({}, { schemaString, partitionColumns: ['_p'] })] : []
    live = new Map(live)
    const takeOut = (nth: number): File | undefined => {
      const file = [...live.values()][nth % Math.max(1, live.size)]
      if (!file) return undefined
      live.delete(file.key)
      actions.push(remove(file.path, { deletionTimestamp: Date.now(), ...(file.vector && { deletionVector: file.vector.descriptor }) }))
      return file
    }
    const putIn = (file: File): void => {
      live.set(file.key, file)
      actions.push(add(file.path, file.vector ? { deletionVector: file.vector.descriptor } : {}))
    }
    for (const nth of removes) {
      const file = takeOut(nth)
      if (file) dead.push(file)
    }
    if (mark) {
      const file = takeOut(mark.file)
      names += 1
      const vector = vectorOf(names, mark.prefix)
      if (file) {
        await put(store, vector.key)
        putIn({ ...file, vector })
      }
    }
    const back = revive ? dead.pop() : undefined
    if (back && !live.has(back.key) && !actions.some((action) => 'remove' in action && action.remove.path === back.path)) putIn(back)
    for (const spelling of adds) {
      names += 1
      const file = { ...spellings[spelling]!(`part-${names}`), written: Date.now() }
      await put(store, file.key)
      putIn(file)
    }
    const changes: string[] = []
    if (change) {
      const key = `_change_data/cdc-${version}.parquet`
      await put(store, key)
      changes.push(key)
      actions.push({ cdc: { path: key, partitionValues: {}, size: 1, dataChange: false } })
    }
    await putCommit(store, version, actions)
    versions.push({ time: Date.now(), live, changes })
    if (checkpoint && version > 0) await putCheckpoint(store, (await DeltaLog.open(store))!, version, checkpoint)
  }
  return versions
}

async function keysIn(store: ObjectStore, hidden: boolean): Promise<Set<string>> {
  const keys = new Set<string>()
  for await (const { key } of store.list('')) if (/^_(delta_log|varve)\//.test(key) === hidden) keys.add(key)
  return keys
}

/** The files of a version; of those that are called by an absolute path, which may be elsewhere, only the ones that `counts` takes. */
const filesOf = ({ live, changes }: Version, counts: (written: number) => boolean = () => true): string[] => [
  ...changes,
  ...[...live.values()].flatMap(({ key, path, written, vector }) => [
    ...(path.startsWith('file:') && !counts(written) ? [] : [key]),
    ...(vector ? [vector.key] : []),
  ]),
]

test('a random history keeps all of what stays, and nothing of what ended', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 2, maxLength: 14 }),
      fc.array(fc.nat(13), { maxLength: 2 }),
      fc.integer({ min: 0, max: 20 }),
      async (steps, holds, days) => {
        vi.setSystemTime(begin)
        const store = memoryStore()
        for (const key of foreign) await put(store, key)
        const versions = await make(store, steps)
        const latest = versions.length - 1
        const held = holds.map((version) => version % versions.length)
        for (const [index, version] of held.entries()) {
          await store.put(`_varve/tags/t${index}/1.json`, new TextEncoder().encode(JSON.stringify({ version })))
        }
        vi.setSystemTime(Date.now() + hour)
        const before = await keysIn(store, false)
        const cutoff = Date.now() - days * day
        const young = Math.max(
          0,
          versions.findLastIndex(({ time }) => time <= cutoff),
        )
        const stays = (version: number) => version >= young || held.includes(version)
        const log = (await DeltaLog.open(store))!

        const dry = await vacuum(log, { olderThan: `${days}d`, dryRun: true })
        expect(await keysIn(store, false)).toEqual(before)
        const result = await vacuum(log, { olderThan: `${days}d` })
        expect({ ...result, logFiles: 0 }).toEqual({ ...dry, dryRun: false, logFiles: 0 })

        const after = await keysIn(store, false)
        const needed = new Set(versions.filter((_, version) => stays(version)).flatMap((each) => filesOf(each)))
        const isOld = (written: number) => Date.now() - written > 7 * day
        const ended = versions.filter((_, version) => !stays(version)).flatMap((each) => filesOf(each, isOld))
        const orphans = isOld(begin) ? ['orphan.parquet'] : []
        const gone = new Set([...ended.filter((key) => !needed.has(key)), ...orphans])
        expect(after).toEqual(new Set([...before].filter((key) => !gone.has(key))))
        expect(result.files).toBe([...gone].filter((key) => before.has(key)).length)

        const fresh = (await DeltaLog.open(store))!
        expect(fresh.latest.version).toBe(latest)
        const first = Math.min(young, ...held)
        for (const [version, { live }] of versions.entries()) {
          if (version < first) {
            await expect(fresh.stateAt(version)).rejects.toMatchObject({
              code: 'VERSION_NOT_FOUND',
              data: { earliest: first, latest },
            })
          } else if (stays(version)) {
            const list = await (await fresh.files(await fresh.stateAt(version))).select()
            expect(list.map(({ deletionVector }) => deletionVector?.pathOrInlineDv ?? '').sort()).toEqual(
              [...live.values()].map(({ vector }) => vector?.descriptor.pathOrInlineDv ?? '').sort(),
            )
            expect(list).toHaveLength(live.size)
          }
        }
        expect((await vacuum(fresh, { olderThan: `${days}d` })).files).toBe(0)
      },
    ),
    { numRuns: 6 },
  )
})
