/** Bookmarks of change feeds: each change comes to a name once, whoever reads, fails or races. */
import { readdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ChangeFeed, ConflictError, localStore, Table, UnknownOutcomeError } from '../../src/index.ts'
import type { PutOutcome } from '../../src/storage/index.ts'
import { intercepted } from '../support/stores/intercepted.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-bookmarks-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

let count = 0

/** A table with its feed on, and one row of the number of each version from 1 on. */
async function readings(versions: number): Promise<Table> {
  count += 1
  const table = await Table.create(join(folder, `table-${count}`), {
    schema: 'id BIGINT',
    properties: { 'delta.enableChangeDataFeed': 'true' },
  })
  for (let id = 1; id <= versions; id += 1) await table.append([{ id: BigInt(id) }])
  return table
}

const idsOf = async (feed: ChangeFeed) => (await feed.toArray()).map(({ id }) => Number(id))

function pathOf(table: Table): string {
  return new URL(table.location).pathname
}

describe('a bookmark', () => {
  it('begins with the first change, moves by commit, and then gives what is new', async () => {
    const table = await readings(2)
    const first = table.changes({ sinceLast: 'etl' })
    expect(await idsOf(first)).toEqual([1, 2])
    await first.commit()
    const nothing = table.changes({ sinceLast: 'etl' })
    expect(await idsOf(nothing)).toEqual([])
    expect(await nothing.range()).toBeUndefined()
    expect((await nothing.schema()).fields.map(({ name }) => name)).toContain('_change_type')
    await nothing.commit()
    await table.append([{ id: 3n }])
    const second = (await Table.open(table.location)).changes({ sinceLast: 'etl' })
    expect(await idsOf(second)).toEqual([3])
    await second.commit()
    await second.commit()
    expect(await idsOf(table.changes({ sinceLast: 'etl' }))).toEqual([])
    expect(await idsOf(table.changes({ sinceLast: 'other' }))).toEqual([1, 2, 3])
  })

  it('stays where rows were left, or nobody committed', async () => {
    const table = await readings(2)
    expect(await idsOf(table.changes({ sinceLast: 'etl' }))).toEqual([1, 2])
    const left = table.changes({ sinceLast: 'etl' })
    for await (const _ of left) break
    await expect(left.commit()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const unread = table.changes({ sinceLast: 'etl' })
    await expect(unread.commit()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const abort = new AbortController()
    const aborted = table.changes({ sinceLast: 'etl', signal: abort.signal })
    await aborted.toArray()
    abort.abort()
    await expect(aborted.commit()).rejects.toMatchObject({ code: 'ABORTED' })
    writeFileSync(join(folder, 'a-file'), '')
    for (const format of ['parquet', 'arrow'] as const) {
      const failed = table.changes({ sinceLast: 'etl' })
      await expect(failed.writeTo(join(folder, 'a-file', 'x'), { format })).rejects.toThrow()
      await expect(failed.commit()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    expect(await idsOf(table.changes({ sinceLast: 'etl' }))).toEqual([1, 2])
    await expect(table.changes({ from: 0 }).commit()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  it.each(['parquet', 'arrow'] as const)('moves after a whole %s file', async (format) => {
    const table = await readings(2)
    const feed = table.changes({ sinceLast: 'etl' })
    expect(await feed.writeTo(join(folder, `rows.${format}`), { format })).toEqual({ rows: 2 })
    await feed.commit()
    expect(await idsOf(table.changes({ sinceLast: 'etl' }))).toEqual([])
  })

  it('begins at a version that is given with it, once, and ends at one that is', async () => {
    const table = await readings(5)
    const take = async (options: { from?: number; to?: number }) => {
      const feed = table.changes({ sinceLast: 'etl', ...options })
      const ids = await idsOf(feed)
      await feed.commit()
      return ids
    }
    expect(await take({ from: 2, to: 3 })).toEqual([2, 3])
    expect(await take({ from: 2, to: 3 })).toEqual([])
    expect(await take({ from: 2, to: 4 })).toEqual([4])
    expect(await take({})).toEqual([5])
  })

  it('begins where the feed was last switched on', async () => {
    const table = await readings(2)
    const log = (version: number) => join(pathOf(table), '_delta_log', `${String(version).padStart(20, '0')}.json`)
    const metaData = (enabled: string) => ({
      metaData: {
        id: 'x',
        format: { provider: 'parquet', options: {} },
        schemaString: '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}',
        partitionColumns: [],
        configuration: { 'delta.enableChangeDataFeed': enabled },
      },
    })
    writeFileSync(log(3), `${JSON.stringify(metaData('false'))}\n`)
    expect(await idsOf((await Table.open(table.location)).changes({ sinceLast: 'early' }))).toEqual([])
    writeFileSync(log(4), `${JSON.stringify(metaData('true'))}\n`)
    const opened = await Table.open(table.location)
    await opened.append([{ id: 5n }])
    expect(await idsOf(opened.changes({ sinceLast: 'etl' }))).toEqual([5])
  })

  it('goes by its name whatever the case, and only by a name', async () => {
    const table = await readings(1)
    const feed = table.changes({ sinceLast: 'Nightly.Übersicht' })
    await feed.toArray()
    await feed.commit()
    expect(await idsOf(table.changes({ sinceLast: 'nightly.übersicht' }))).toEqual([])
    for (const name of [
      '',
      '5',
      '2026-03-15',
      '2026-03-15T00:00:00Z',
      'a/b',
      '..',
      '.a',
      'a@b',
      'a b',
      'a.lock',
      '-x',
      'a\n',
      'x'.repeat(300),
      '\ud800',
    ])
      expect(() => table.changes({ sinceLast: name }), JSON.stringify(name)).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }))
  })

  it('of a table that was made anew is refused', async () => {
    const table = await readings(3)
    const feed = table.changes({ sinceLast: 'etl' })
    await feed.toArray()
    await feed.commit()
    const log = join(pathOf(table), '_delta_log')
    for (const name of readdirSync(log)) if (/0[123]\./.test(name)) await rm(join(log, name))
    await expect(idsOf((await Table.open(table.location)).changes({ sinceLast: 'etl' }))).rejects.toMatchObject({
      code: 'VERSION_NOT_FOUND',
    })
  })

  it('that is damaged is refused', async () => {
    const table = await readings(1)
    const feed = table.changes({ sinceLast: 'etl' })
    await feed.toArray()
    await feed.commit()
    writeFileSync(join(pathOf(table), '_varve/bookmarks/etl/0.json'), '{"to":')
    await expect(idsOf(table.changes({ sinceLast: 'etl' }))).rejects.toMatchObject({ code: 'BOOKMARK_CORRUPT' })
  })
})

describe('readers at once', () => {
  it('of one name: one gets the changes, the other is told that they are not its own', async () => {
    const table = await readings(2)
    const one = table.changes({ sinceLast: 'etl' })
    const [early] = [await idsOf(one)]
    await table.append([{ id: 3n }])
    // The second one has read further, and from another first version.
    const other = table.changes({ sinceLast: 'etl', from: 2 })
    const late = await idsOf(other)
    expect([early, late]).toEqual([
      [1, 2],
      [2, 3],
    ])
    await other.commit()
    const error = await one.commit().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConflictError)
    expect(error).toMatchObject({ code: 'BOOKMARK_MOVED', data: { bookmark: 'etl', from: 0, to: 2 } })
    expect(await idsOf(table.changes({ sinceLast: 'etl' }))).toEqual([])
  })

  it('get each change once between them, whatever the order of their steps', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ reader: fc.nat(2), act: fc.constantFrom('read', 'commit', 'append') }), { maxLength: 14 }),
        async (steps) => {
          const table = await readings(1)
          let written = 1
          const done: number[] = []
          const open = new Map<number, { feed: ChangeFeed; ids: number[] }>()
          const finish = async (reader: number) => {
            const { feed, ids } = open.get(reader)!
            open.delete(reader)
            await feed.commit().then(
              () => done.push(...ids),
              (error: unknown) => expect(error).toBeInstanceOf(ConflictError),
            )
          }
          const read = async (reader: number) => {
            const feed = table.changes({ sinceLast: 'shared' })
            open.set(reader, { feed, ids: await idsOf(feed) })
          }
          for (const { reader, act } of steps) {
            if (act === 'append') {
              written += 1
              await table.append([{ id: BigInt(written) }])
            } else if (act === 'read') await read(reader)
            else if (open.has(reader)) await finish(reader)
          }
          await read(9)
          await finish(9)
          expect(done).toEqual(Array.from({ length: written }, (_, index) => index + 1))
        },
      ),
      { numRuns: 8, seed: 4 },
    )
  })
})

describe('a store that does not know', () => {
  /** Moves a bookmark through a store that answers so to the first put. */
  async function move(answer: (put: () => Promise<PutOutcome>) => Promise<PutOutcome>, always = false) {
    const table = await readings(1)
    const store = localStore(pathOf(table))
    let asked = 0
    const put = (...args: Parameters<typeof store.putIfAbsent>) => {
      asked += 1
      return asked === 1 || always ? answer(() => store.putIfAbsent(...args)) : store.putIfAbsent(...args)
    }
    const feed = (await Table.open(intercepted(store, { putIfAbsent: put }))).changes({ sinceLast: 'etl' })
    await feed.toArray()
    const outcome = await feed.commit().catch((thrown: unknown) => thrown)
    return { outcome, rest: await idsOf(table.changes({ sinceLast: 'etl' })) }
  }
  const unknown: PutOutcome = { outcome: 'unknown', cause: new Error('the line is dead') }

  it('has the record: the bookmark moved', async () => {
    expect(await move((put) => put().then(() => unknown))).toEqual({ outcome: undefined, rest: [] })
  })

  it('does not have it: it is put again', async () => {
    expect(await move(async () => unknown)).toEqual({ outcome: undefined, rest: [] })
  })

  it('never says: nobody is told that it moved', async () => {
    const { outcome, rest } = await move(async () => unknown, true)
    expect(outcome).toBeInstanceOf(UnknownOutcomeError)
    expect(rest).toEqual([1])
  })
})
