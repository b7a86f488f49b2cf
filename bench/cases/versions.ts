/** What a version's name and its proof cost: digests of rows, verification, and tags among many. */
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Table } from '../../src/index.ts'
import type { Case, Contender, Sample } from '../harness/case.ts'

const manyTags = 10_000
const tagsOfSample = 50

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

async function copied(data: string, name: string, work: string): Promise<string> {
  const folder = join(work, name)
  await cp(join(data, name), folder, { recursive: true })
  return folder
}

const digestFull: Contender = {
  name: 'varve, all files',
  role: 'varve',
  start: async ({ data, work }) => {
    const folder = await copied(data, 'table-2m', work)
    return {
      sample: async (): Promise<Sample> => {
        await rm(join(folder, '_varve/digests'), { recursive: true, force: true })
        const snapshot = await (await Table.open(folder)).latest()
        return { wall: await timed(() => snapshot.fingerprints()) }
      },
    }
  },
}

const digestChange: Contender = {
  name: 'varve, after 1% more',
  role: 'varve',
  start: async ({ data, work }) => {
    const folder = await copied(data, 'table-2m', work)
    const table = await Table.open(folder)
    await (await table.latest()).fingerprints()
    return {
      sample: async (): Promise<Sample> => {
        await table.append((await table.asOf(1)).query('SELECT * FROM t LIMIT 20000', { name: 't' }))
        const snapshot = await table.latest()
        return { wall: await timed(() => snapshot.fingerprints()) }
      },
    }
  },
}

/** The rows digest of 2,000,000 rows of 5 columns, in full and from the version before. */
export const rowsDigest: Case = {
  name: 'rows-digest',
  title: 'rows digest of 2,000,000 rows of 5 columns',
  needs: ['table-2m'],
  contenders: [digestFull, digestChange],
  targets: [
    { says: 'at least 1,000,000 rows/s', of: digestFull.name, atMost: 2000, unit: 'ms' },
    { says: 'after a 1% change beside the full one', of: digestChange.name, to: digestFull.name, atMost: 0.05 },
  ],
  note: 'SHA-256 of each row, summed: the processor bounds it, and how many columns are long texts',
}

/** Hashing and checking the data files of a table, per gigabyte. */
export const verifyFiles: Case = {
  name: 'verify',
  title: 'verify of 10,000,000 rows in 10 files: ms per GB',
  shows: ['perGb'],
  needs: ['table-10m'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      start: async ({ data }) => {
        const table = await Table.open(join(data, 'table-10m'))
        return {
          sample: async (): Promise<Sample> => {
            let bytes = 0
            const wall = await timed(async () => {
              bytes = (await table.verify()).bytes
            })
            return { wall, perGb: wall / (bytes / 1e9) }
          },
        }
      },
    },
  ],
  targets: [{ says: 'at least 1.2 GB/s', of: 'varve', metric: 'perGb', atMost: 833, unit: 'ms' }],
}

/** Making and resolving tags of a table that has many. */
export const tagsAmongMany: Case = {
  name: 'tags',
  title: `tag, and resolve a tag, among ${manyTags.toLocaleString('en')}: ms each`,
  shows: ['tag', 'resolve'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      start: async ({ work }) => {
        const folder = join(work, 'tagged')
        const table = await Table.create(folder, { schema: 'id BIGINT' })
        for (let id = 0; id < 10; id += 1) await table.append([{ id }])
        for (let n = 0; n < manyTags; n += 1) {
          await mkdir(join(folder, '_varve/tags', `t${n}`), { recursive: true })
          await writeFile(
            join(folder, '_varve/tags', `t${n}`, '1.json'),
            JSON.stringify({ name: `t${n}`, version: n % 11, time: new Date() }),
          )
        }
        return {
          sample: async (round): Promise<Sample> => {
            const tag = await timed(async () => {
              for (let n = 0; n < tagsOfSample; n += 1) await table.tag(`r${round}-${n}`, { version: n % 11 })
            })
            const resolve = await timed(async () => {
              for (let n = 0; n < tagsOfSample; n += 1) await table.asOf({ tag: `t${(n * 199) % manyTags}` })
            })
            return { tag: tag / tagsOfSample, resolve: resolve / tagsOfSample }
          },
        }
      },
    },
  ],
  targets: [
    { says: 'a tag is made in', of: 'varve', metric: 'tag', atMost: 5, unit: 'ms' },
    { says: 'a tag is resolved in', of: 'varve', metric: 'resolve', atMost: 5, unit: 'ms' },
  ],
}
