/** Whatever checkpoints and compactions lie beside the commits, whole or damaged, a version is what its commits alone say. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Action } from '../../src/log/actions.ts'
import { writeCompaction } from '../../src/log/compaction.ts'
import { DeltaLog } from '../../src/log/delta-log.ts'
import { compactionKey, lastCheckpointKey } from '../../src/log/paths.ts'
import { memoryStore, type ObjectStore } from '../../src/storage/index.ts'
import { putCheckpoint, shapes } from './checkpoint/checkpoint-shapes.ts'
import { add, metadata, protocol, putCommit, remove } from './tools.ts'

const vector = { storageType: 'u' as const, pathOrInlineDv: 'ab', offset: 4, sizeInBytes: 10, cardinality: 2 }
const text = (value: string) => new TextEncoder().encode(value)

const file = fc.record({ path: fc.integer({ min: 0, max: 9 }), added: fc.boolean(), vector: fc.boolean(), size: fc.nat(99) })
const commit = fc.record({
  files: fc.uniqueArray(file, { maxLength: 5, selector: (each) => `${each.path}/${each.vector}` }),
  txn: fc.option(fc.record({ appId: fc.constantFrom('x', 'y'), version: fc.nat(9) }), { nil: undefined }),
  domain: fc.option(fc.record({ domain: fc.constantFrom('a', 'b'), removed: fc.boolean() }), { nil: undefined }),
  property: fc.option(fc.nat(9), { nil: undefined }),
})
const damage = fc.constantFrom('none', 'none', 'none', 'gone', 'empty', 'cut', 'garbage')
const derived = fc.record({
  kind: fc.constantFrom(...shapes, 'compaction' as const, 'compaction' as const),
  at: fc.nat(99),
  length: fc.integer({ min: 1, max: 9 }),
  damage,
  which: fc.nat(9),
})

type Commit = typeof commit extends fc.Arbitrary<infer T> ? T : never

function actionsOf(each: Commit): Action[] {
  return [
    ...each.files.map(({ path, added, size, vector: has }) => {
      const extra = { size, ...(has ? { deletionVector: vector } : {}) }
      return added ? add(`f%20${path}`, extra) : remove(`f%20${path}`, extra)
    }),
    ...(each.txn ? [{ txn: each.txn }] : []),
    ...(each.domain
      ? [{ domainMetadata: { ...each.domain, configuration: each.domain.removed ? '' : `{"size":${each.files.length}}` } }]
      : []),
    ...(each.property === undefined ? [] : [metadata({ p: String(each.property) })]),
  ]
}

/** Everything that a log says of its versions. */
async function told(store: ObjectStore, versions: number): Promise<unknown[]> {
  const log = (await DeltaLog.open(store))!
  const all: unknown[] = []
  for (let version = versions - 1; version >= 0; version -= 1) {
    const { txns, domains, metadata: meta, protocol: proto } = await log.stateAt(version)
    // A handle of its own, so that no list is made from another.
    const fresh = (await DeltaLog.open(store))!
    const files = await (await fresh.files(await fresh.stateAt(version))).select()
    all.push({
      files: files.map((each) => JSON.stringify([each.path, each.deletionVector, each.size])).sort(),
      txns: [...txns.values()].sort((a, b) => (a.appId < b.appId ? -1 : 1)),
      domains: [...domains.values()].sort((a, b) => (a.domain < b.domain ? -1 : 1)),
      meta: { ...meta, configuration: meta.configuration.p },
      readerVersion: proto.minReaderVersion > 2 ? 1 : proto.minReaderVersion,
    })
  }
  return all
}

async function spoil(store: ObjectStore, key: string, how: string): Promise<void> {
  const { bytes } = await store.get(key)
  await store.delete([key])
  if (how === 'empty') await store.put(key, text(''))
  if (how === 'cut') await store.put(key, bytes.slice(0, Math.floor(bytes.length * 0.6)))
  if (how === 'garbage') await store.put(key, text('PAR1 {"add":'))
}

test('a random history reads the same with checkpoints of every shape and compactions, whole or damaged, at random places', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(commit, { minLength: 2, maxLength: 9 }),
      fc.array(derived, { minLength: 1, maxLength: 4 }),
      async (commits, others) => {
        const store = memoryStore()
        const plain = memoryStore()
        for (const [version, each] of commits.entries()) {
          const lines = [{ commitInfo: { timestamp: version } }, ...(version === 0 ? [protocol, metadata()] : []), ...actionsOf(each)]
          const last = lines.filter((line) => !('metaData' in line) || line === lines.findLast((other) => 'metaData' in other))
          await putCommit(store, version, last)
          await putCommit(plain, version, last)
        }
        const log = (await DeltaLog.open(plain))!
        for (const each of others) {
          const version = each.at % commits.length
          let keys: string[]
          if (each.kind === 'compaction') {
            const first = Math.max(0, version - each.length)
            if (first === version) continue
            await writeCompaction(store, { first, last: version })
            keys = [compactionKey(first, version)]
            if (!(await store.head(keys[0]!))) continue
          } else keys = await putCheckpoint(store, log, version, each.kind)
          const key = keys[each.which % keys.length]!
          if (each.damage !== 'none' && (await store.head(key))) await spoil(store, key, each.damage)
        }
        expect(await told(store, commits.length)).toEqual(await told(plain, commits.length))
        await store.delete([lastCheckpointKey])
        expect(await told(store, commits.length)).toEqual(await told(plain, commits.length))
      },
    ),
    { numRuns: 12 },
  )
}, 300_000)
