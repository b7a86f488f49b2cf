import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { localStore, memoryStore, type ObjectStore, withRetries } from '../../src/storage/index.ts'
import { countingStore } from '../support/stores/counting-store.ts'
import { faultyStore } from '../support/stores/faulty-store.ts'
import { objectStoreContract, type StoreUnderTest } from './object-store.ts'

type Wrap = (store: ObjectStore) => ObjectStore

const wraps: Readonly<Record<string, Wrap>> = {
  bare: (store) => store,
  'with retries': (store) => withRetries(store, { firstPauseMs: 1 }),
  counted: (store) => countingStore(store),
  'a faulty one without faults': (store) => faultyStore(store, { faults: [] }),
  'with retries over a throttled one': (store) =>
    withRetries(faultyStore(store, { faults: [{ kind: 'throttled', key: /../, probability: 0.2, times: Number.POSITIVE_INFINITY }] }), {
      tries: 30,
      firstPauseMs: 0,
    }),
}

async function local(wrap: Wrap): Promise<StoreUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'varve-store-'))
  const others = () => wrap(localStore(join(folder, 'not yet/there')))
  return { store: others(), others, dispose: async () => rmSync(folder, { recursive: true, force: true }) }
}

async function memory(wrap: Wrap): Promise<StoreUnderTest> {
  const store = memoryStore()
  return { store: wrap(store), others: () => wrap(store), dispose: async () => {} }
}

for (const [name, wrap] of Object.entries(wraps)) {
  objectStoreContract(`local, ${name}`, () => local(wrap))
  objectStoreContract(`memory, ${name}`, () => memory(wrap))
}
