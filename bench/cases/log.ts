/** What a long history costs: opening a table of many versions, counting its rows, and the bytes that the log keeps beside its commits. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Table } from '../../src/index.ts'
import { localStore } from '../../src/storage/index.ts'
import { countingStore } from '../../test/support/stores/counting-store.ts'
import type { Case, Contender, Sample } from '../harness/case.ts'
import { schema } from '../harness/data.ts'
import { plainDuckDB } from '../harness/duckdb.ts'
import { median } from '../harness/measure.ts'
import { smallRows } from '../history-maker.ts'

const times = 30

async function p50(work: () => Promise<unknown>): Promise<number> {
  const all: number[] = []
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await work()
    all.push(performance.now() - began)
  }
  return median(all)
}

function opener(versions: number): Contender {
  return {
    name: `varve ${versions}`,
    role: 'varve',
    start: async ({ data }) => {
      const path = join(data, `history-${versions}`)
      const middle = versions / 2
      return {
        sample: async () => ({
          open: await p50(() => Table.open(path)),
          latest: await p50(async () => (await Table.open(path)).latest()),
          asOfLatest: await p50(async () => (await Table.open(path)).asOf(versions)),
          asOfMiddle: await p50(async () => (await Table.open(path)).asOf(middle)),
          // Old checksums are thinned: this version lies farthest from the nearest.
          asOfBetween: await p50(async () => (await Table.open(path)).asOf(versions < 1_000 ? middle : middle + 8)),
          ...(await requests(path, versions)),
        }),
      }
    },
  }
}

/** Requests to the store of one open and one asOf(middle), and how many of them list the log. */
async function requests(path: string, versions: number): Promise<Sample> {
  const store = countingStore(localStore(path))
  await (await Table.open(store)).asOf(versions / 2)
  return { requests: store.count(), lists: store.count('list', '_delta_log/') }
}

const sizes = [10, 1_000, 10_000, 100_000]
const metrics = ['open', 'latest', 'asOfLatest', 'asOfMiddle', 'asOfBetween'] as const

/** Opening. */
export const openVersions: Case = {
  name: 'open',
  title: `open, asOf(latest) and asOf(middle) with a new handle, milliseconds (median of ${times})`,
  needs: sizes.map((versions) => `history-${versions}`),
  shows: [...metrics, 'requests', 'lists'],
  contenders: [...sizes.map(opener), { name: 'delta-rs 10', role: 'peer' }, { name: 'delta-rs 10000', role: 'peer' }],
  targets: [
    ...metrics.map((metric) => ({
      says: `${metric} at 100,000 versions beside 10`,
      of: 'varve 100000',
      to: 'varve 10',
      metric,
      atMost: 1.5,
    })),
    { says: 'listings of the log at 100,000 versions', of: 'varve 100000', metric: 'lists', atMost: 0, unit: 'lists' },
  ],
}

/** Counting rows at 10,000 versions. */
export const countVersions: Case = {
  name: 'count',
  title: 'open and count(*) at 10,000 versions of one file each, latest',
  needs: ['history-10000'],
  shows: ['asOfMiddle'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      start: async ({ data }) => {
        const path = join(data, 'history-10000')
        return {
          sample: async () => ({
            wall: await p50(async () => {
              const rows = await (await (await Table.open(path)).latest()).rowCount()
              if (rows !== 1_000_000) throw new Error(`${rows} rows`)
            }),
            asOfMiddle: await p50(async () => {
              const rows = await (await (await Table.open(path)).asOf(5_000)).rowCount()
              if (rows !== 500_000) throw new Error(`${rows} rows`)
            }),
          }),
        }
      },
    },
    {
      name: 'DuckDB delta extension',
      role: 'peer',
      start: async ({ data, deltaExtension }) => {
        const connection = await plainDuckDB()
        await connection.run(`LOAD '${deltaExtension}'`)
        return {
          sample: async () => {
            const result = await connection.runAndReadAll(`SELECT count(*) FROM delta_scan('${join(data, 'history-10000')}')`)
            if (Number(result.getRows()[0]![0]) !== 1_000_000) throw new Error('another count')
            return undefined
          },
        }
      },
    },
  ],
  targets: [{ says: 'beside DuckDB’s Delta extension', of: 'varve', to: 'DuckDB delta extension', atMost: 0.1 }],
}

/** Bytes of a log by what they are for. */
async function logSizes(path: string): Promise<Sample> {
  const sum = { commits: 0, checksums: 0, checkpoints: 0, other: 0 }
  const folders = ['_delta_log', '_delta_log/_sidecars', '_varve']
  for (const folder of folders) {
    for (const entry of await readdir(join(path, folder), { withFileTypes: true }).catch(() => [])) {
      if (!entry.isFile()) continue
      const { size } = await stat(join(path, folder, entry.name))
      if (/^\d{20}\.json$/.test(entry.name)) sum.commits += size
      else if (entry.name.endsWith('.crc')) sum.checksums += size
      else if (entry.name.includes('checkpoint') || folder.endsWith('_sidecars')) sum.checkpoints += size
      else sum.other += size
    }
  }
  const mib = Object.fromEntries(Object.entries(sum).map(([name, bytes]) => [name, bytes / 2 ** 20]))
  return { ...mib, ratio: (sum.checksums + sum.checkpoints + sum.other) / sum.commits }
}

/** Bytes beside the commits. */
export const logBytes: Case = {
  name: 'log-bytes',
  title: 'bytes of checksums and checkpoints after 100,000 appends, beside the commits’ own (MiB)',
  needs: ['history-1000', 'history-100000'],
  shows: ['commits', 'checksums', 'checkpoints', 'other', 'ratio'],
  contenders: [
    ...[1_000, 100_000].map((versions) => ({
      name: `varve, ${versions} made`,
      role: 'varve' as const,
      samples: 1,
      start: async ({ data }: { data: string }) => ({ sample: () => logSizes(join(data, `history-${versions}`)) }),
    })),
    {
      name: 'varve, 1000 real appends',
      role: 'varve',
      samples: 1,
      start: async ({ work }) => {
        const table = await Table.create(join(work, 't'), { schema })
        for (let n = 0; n < 1_000; n++) {
          await table.append(smallRows(n))
        }
        return { sample: () => logSizes(join(work, 't')) }
      },
    },
  ],
  targets: [
    { says: 'beside the commits, at 100,000', of: 'varve, 100000 made', metric: 'ratio', atMost: 3, unit: 'x' },
    {
      says: 'the history that is made beside real appends, at 1,000',
      of: 'varve, 1000 made',
      to: 'varve, 1000 real appends',
      metric: 'ratio',
      atMost: 1.1,
    },
  ],
  note: 'the 100,000 commits go through Varve’s own commit, checksum and checkpoint code; only the data files are one file linked many times',
}
