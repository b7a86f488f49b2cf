import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { trustedEngine } from '../../src/engine/index.ts'
import { writeCheckpoint } from '../../src/log/checkpoint/checkpoint.ts'
import { DeltaLog } from '../../src/log/delta-log.ts'
import { checkpointKey, commitKey } from '../../src/log/paths.ts'
import { localStore, memoryStore } from '../../src/storage/index.ts'
import { conformanceFolder } from '../support/conformance.ts'
import { add, metadata, protocol, putCommit, putLog, remove } from './tools.ts'

const vector = { storageType: 'u' as const, pathOrInlineDv: 'ab', offset: 4, sizeInBytes: 10, cardinality: 2 }

/** A Parquet file without one of its columns. */
async function withoutColumn(bytes: Uint8Array, column: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'varve-'))
  const connection = await (await trustedEngine()).connect()
  try {
    await writeFile(join(folder, 'in.parquet'), bytes)
    await connection.run(`COPY (SELECT * EXCLUDE ("${column}") FROM '${folder}/in.parquet') TO '${folder}/out.parquet' (FORMAT parquet)`)
    return await readFile(join(folder, 'out.parquet'))
  } finally {
    await connection.close()
    await rm(folder, { recursive: true })
  }
}

async function paths(store: ReturnType<typeof memoryStore>, version?: number): Promise<string[]> {
  const log = (await DeltaLog.open(store))!
  const list = await log.files(version === undefined ? log.latest : await log.stateAt(version))
  return (await list.select()).map((file) => file.path)
}

test('a removal without a vector and an add with one are two keys', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('a', { deletionVector: vector }), remove('a')]])
  const log = (await DeltaLog.open(store))!
  const [file] = await (await log.files(log.latest)).select()
  expect(file?.deletionVector).toMatchObject(vector)
  expect(await (await log.files(log.latest)).counts()).toEqual({ files: 1, bytes: 10, rows: 1 })
})

test('a later add of the same key replaces what was said before, and revives a tombstone', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a', { size: 1 })], [remove('a')], [add('a', { size: 7 })], [add('a', { size: 9, dataChange: false })]])
  const log = (await DeltaLog.open(store))!
  expect((await (await log.files(log.latest)).select()).map((file) => file.size)).toEqual([9])
})

test.each(['', '{"numRecords":3,"minValues":{"id":'])(
  'statistics that are no JSON (%j) are none, and take nothing else down',
  async (stats) => {
    const store = memoryStore()
    await putLog(store, [[add('a', { stats }), add('b')]])
    const told = async () => {
      const log = (await DeltaLog.open(store))!
      const list = await log.files(log.latest)
      expect(await list.counts()).toEqual({ files: 2, bytes: 20, rows: undefined })
      return (await list.select()).map((file) => file.stats)
    }
    expect(await told()).toEqual([undefined, '{"numRecords":3}'])
    await writeCheckpoint(store, (await DeltaLog.open(store))!.latest, 0)
    expect(await told()).toEqual([undefined, '{"numRecords":3}'])
  },
)

test('spellings of one path are one file', async () => {
  const store = memoryStore()
  await putLog(store, [
    [add('file:///data/a%20b.parquet'), add('c%20d')],
    [remove('/data/a%20b.parquet'), remove('c%20d')],
  ])
  expect(await paths(store)).toEqual([])
})

test('every version of a random history has the files that a model has, from commits, checkpoints and earlier lists alike', async () => {
  const action = fc.record({ path: fc.integer({ min: 0, max: 12 }), added: fc.boolean(), vector: fc.boolean() })
  const history = fc.array(fc.uniqueArray(action, { maxLength: 5, selector: (each) => `${each.path}/${each.vector}` }), {
    minLength: 1,
    maxLength: 12,
  })
  await fc.assert(
    fc.asyncProperty(history, fc.nat(), async (commits, at) => {
      const store = memoryStore()
      const live = new Set<string>()
      const model: string[][] = []
      for (const [version, actions] of commits.entries()) {
        const first = version === 0 ? [protocol, metadata()] : []
        const lines = actions.map((each) => {
          const extra = each.vector ? { deletionVector: vector } : {}
          return each.added ? add(`f${each.path}`, extra) : remove(`f${each.path}`, extra)
        })
        await putCommit(store, version, [...first, ...lines])
        for (const each of actions) live[each.added ? 'add' : 'delete'](`f${each.path}${each.vector ? '+' : ''}`)
        model.push([...live].sort())
      }
      const log = (await DeltaLog.open(store))!
      const check = async () => {
        for (let version = 0; version < commits.length; version += 1) {
          const files = await (await log.files(await log.stateAt(version))).select()
          expect(files.map((file) => `${file.path}${file.deletionVector ? '+' : ''}`).sort()).toEqual(model[version])
        }
      }
      await check()
      await writeCheckpoint(store, await log.stateAt(at % commits.length), 0)
      const fresh = (await DeltaLog.open(store))!
      for (let version = commits.length - 1; version >= 0; version -= 1) {
        const files = await (await fresh.files(await fresh.stateAt(version))).select()
        expect(files.map((file) => `${file.path}${file.deletionVector ? '+' : ''}`).sort()).toEqual(model[version])
      }
    }),
    { numRuns: 12 },
  )
}, 60_000)

describe('a checkpoint', () => {
  async function checkpointed() {
    const store = memoryStore()
    await putLog(store, [[add('a')], [add('b'), { txn: { appId: 'x', version: 3 } }], [remove('a')], [add('c')]])
    const log = (await DeltaLog.open(store))!
    await writeCheckpoint(store, await log.stateAt(2), 0)
    return store
  }

  test('stands in for the commits before it', async () => {
    const store = await checkpointed()
    await store.delete([commitKey(0), commitKey(1)])
    expect(await paths(store)).toEqual(['b', 'c'])
    const log = (await DeltaLog.open(store))!
    expect(log.latest.txns.get('x')?.version).toBe(3)
    await expect(log.stateAt(1)).rejects.toMatchObject({ code: 'VERSION_NOT_FOUND', data: { earliest: 2, latest: 3 } })
  })

  test.each([
    ['cut short', (bytes: Uint8Array) => bytes.slice(0, bytes.length >> 1)],
    ['empty', () => new Uint8Array()],
    ['no Parquet at all', () => new TextEncoder().encode('PAR1 or so')],
  ])('that is %s is passed over while the commits are there, and named when they are not', async (_, damage) => {
    const store = await checkpointed()
    const { bytes } = await store.get(checkpointKey(2))
    await store.put(checkpointKey(2), damage(bytes))
    expect(await paths(store)).toEqual(['b', 'c'])
    await store.delete([commitKey(0), commitKey(1)])
    await expect(DeltaLog.open(store)).rejects.toMatchObject({ name: 'LogError' })
  })

  test('keeps unexpired tombstones alone', async () => {
    const store = memoryStore()
    const day = 86_400_000
    await putLog(store, [
      [add('a'), add('b')],
      [remove('a', { deletionTimestamp: 10 * day }), remove('b', { deletionTimestamp: day })],
    ])
    const log = (await DeltaLog.open(store))!
    const after = await writeCheckpoint(store, log.latest, 12 * day)
    expect(after.checkpoint).toEqual({ version: 1, holds: 1, since: 0 })
  })
})

test('a corrupt line is named by version and line, a hole by version', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b')], [add('c')], [add('d')]])
  await putCommit(store, 2, [add('c'), '{"add":{"path":'])
  await expect(paths(store)).rejects.toMatchObject({ code: 'LOG_CORRUPT', data: { version: 2, line: 2 } })
  // Torn off in what is not read otherwise.
  for (const torn of ['{"commitInfo":{"operation":"DELETE","operationParameters":{}', '{"cdc":{"path":"x"}']) {
    await store.put(commitKey(2), new TextEncoder().encode(torn))
    await expect(paths(store), torn).rejects.toMatchObject({ code: 'LOG_CORRUPT', data: { version: 2 } })
  }
  await store.put(commitKey(2), new TextEncoder().encode('{"commitInfo":{"operation":"nothing"}}\r\n'))
  expect(await paths(store)).toHaveLength(3)
  await store.delete([commitKey(2)])
  await expect(paths(store)).rejects.toMatchObject({ code: 'LOG_GAP', data: { version: 2 } })
})

const golden = conformanceFolder()

describe.skipIf(golden === undefined)('golden tables', () => {
  interface Golden {
    readonly name: string
    readonly path: string
    readonly latestVersion: number
    readonly liveFiles: number
    readonly rowCount: number | null
    readonly mustFail: boolean
    readonly refuseUnlessImplemented: readonly string[] | null
  }
  const inventory = (golden ? JSON.parse(readFileSync(join(golden, 'inventory.json'), 'utf8')) : []) as Golden[]

  test.each(inventory.filter((table) => !table.mustFail && !table.refuseUnlessImplemented))(
    '$name has its version, files and rows',
    async (table) => {
      const log = (await DeltaLog.open(localStore(join(golden!, table.path))))!
      const counts = await (await log.files(log.latest)).counts()
      expect({ version: log.latest.version, files: counts.files }).toEqual({ version: table.latestVersion, files: table.liveFiles })
      if (table.rowCount !== null && counts.rows !== undefined) expect(counts.rows).toBe(table.rowCount)
    },
  )

  const implemented = new Set(['variantShredding-preview'])
  const refused = inventory.filter((table) => table.mustFail || table.refuseUnlessImplemented?.some((name) => !implemented.has(name)))

  test.each(refused)('$name is refused', async (table) => {
    const opened = DeltaLog.open(localStore(join(golden!, table.path))).then(async (log) => log && (await log.files(log.latest)) && log)
    const outcome = await opened.catch((error: { code: string; message: string }) => error)
    if (outcome === undefined) return
    expect(outcome).toMatchObject({ code: 'UNSUPPORTED_FEATURE' })
    if (table.refuseUnlessImplemented) expect((outcome as { message: string }).message).toContain(table.refuseUnlessImplemented[0])
  })
})

test('a checkpoint that lacks protocol or metadata is an error, though commits before it have them', async () => {
  const store = memoryStore()
  await putLog(store, [[add('a')], [add('b')]])
  const log = (await DeltaLog.open(store))!
  await writeCheckpoint(store, log.latest, 0)
  const { bytes } = await store.get(checkpointKey(1))
  const crippled = await withoutColumn(bytes, 'metaData')
  await store.put(checkpointKey(1), crippled)
  await expect(DeltaLog.open(store)).rejects.toMatchObject({ code: 'LOG_INCOMPLETE', data: { missing: 'metadata' } })
})
