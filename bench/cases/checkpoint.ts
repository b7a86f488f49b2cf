/** What the next checkpoint of a wide table costs: bytes written after a thousand appends to a million files, beside a whole one. */
import { randomUUID } from 'node:crypto'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { commitKey, DeltaLog, type TableState, writeCheckpoint } from '../../src/log/index.ts'
import { localStore, type ObjectStore } from '../../src/storage/index.ts'
import type { Case, Sample } from '../harness/case.ts'
import { unsynced } from '../harness/unsynced.ts'
import { makeWideTable } from '../log-maker.ts'

const files = 1_000_000
const appends = 1_000

/** Bytes of all checkpoints of a table with their sidecars. */
async function checkpointBytes(folder: string): Promise<number> {
  let sum = 0
  for (const [under, kind] of [
    ['_delta_log', /\.checkpoint\./],
    ['_delta_log/_sidecars', /\.parquet$/],
  ] as const) {
    for (const name of await readdir(join(folder, under))) if (kind.test(name)) sum += (await stat(join(folder, under, name))).size
  }
  return sum
}

async function appendSome(store: ObjectStore, after: number): Promise<void> {
  for (let n = 1; n <= appends; n++) {
    const stats = JSON.stringify({
      numRecords: 100,
      minValues: { id: n, country: 'DE' },
      maxValues: { id: n + 99, country: 'US' },
      nullCount: { id: 0 },
    })
    const day = '2024-01-01'
    const add = {
      path: `day=${day}/part-${randomUUID()}.parquet`,
      partitionValues: { day },
      size: 2000 + n,
      modificationTime: Date.now(),
      dataChange: true,
      stats,
    }
    await store.put(commitKey(after + n), new TextEncoder().encode(`${JSON.stringify({ commitInfo: {} })}\n${JSON.stringify({ add })}\n`))
  }
}

/** A table of a million files whose checkpoint another engine wrote. */
async function wideTable(work: string): Promise<{ folder: string; store: ObjectStore; log: DeltaLog }> {
  const folder = join(work, 'wide')
  await makeWideTable(folder, { files, checkpoint: 'v2' })
  const store = unsynced(localStore(folder))
  return { folder, store, log: (await DeltaLog.open(store))! }
}

async function written(folder: string, work: () => Promise<unknown>): Promise<Sample> {
  const before = await checkpointBytes(folder)
  const began = performance.now()
  await work()
  return { wall: performance.now() - began, written: ((await checkpointBytes(folder)) - before) / 2 ** 20 }
}

/** The next checkpoint of a wide table. */
export const nextCheckpoint: Case = {
  name: 'checkpoint',
  long: true,
  title: `V2 checkpoint of ${files.toLocaleString('en')} files: MiB written`,
  shows: ['written'],
  contenders: [
    {
      name: 'varve, whole',
      role: 'varve',
      samples: 3,
      start: async ({ work }) => {
        const { folder, store, log } = await wideTable(work)
        return { sample: () => written(folder, () => writeCheckpoint(store, log.latest, Date.now())) }
      },
    },
    {
      name: `varve, after ${appends} appends`,
      role: 'varve',
      samples: 3,
      start: async ({ work }) => {
        const { folder, store, log } = await wideTable(work)
        let { checkpoint }: TableState = await writeCheckpoint(store, log.latest, Date.now())
        return {
          sample: async () => {
            await appendSome(store, log.latest.version)
            const state = { ...(await log.update()), checkpoint }
            return written(folder, async () => {
              checkpoint = (await writeCheckpoint(store, state, Date.now())).checkpoint
            })
          },
        }
      },
    },
  ],
  targets: [
    {
      says: 'bytes after 1,000 appends beside a whole one',
      of: `varve, after ${appends} appends`,
      to: 'varve, whole',
      metric: 'written',
      atMost: 0.05,
    },
  ],
  note: 'a checkpoint names the sidecars of the last that still hold, so only what is new, touched or small is written',
}
