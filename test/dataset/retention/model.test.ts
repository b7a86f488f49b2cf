/**
 * Random histories, tags, runs, holds and policies against a plain model: which versions stay, the rows of each of them, and in the archive the rows
 * of each that went; over several retentions into one archive.
 */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { memoryStore, type ObjectStore, Table } from '../../../src/index.ts'

const day = 86_400_000
const begin = Date.UTC(2026, 0, 1)

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'], now: begin }))
afterEach(() => {
  vi.useRealTimers()
})

const change = fc.record({
  hours: fc.integer({ min: 1, max: 60 }),
  what: fc.constantFrom('append', 'append', 'delete', 'update', 'overwrite', 'optimize', 'restore'),
  id: fc.nat(12),
  /** Something that comes to hold the version, and whether it lets go of it before the next retention but one. */
  holder: fc.option(fc.record({ kind: fc.constantFrom('tag', 'run', 'failed', 'retired', 'hold'), released: fc.boolean() }), {
    nil: undefined,
    freq: 3,
  }),
})

const round = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 4 }),
  keepLast: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  keepDays: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
})

/** A version as the model knows it. */
interface Version {
  readonly time: number
  readonly rows: readonly string[]
  readonly isRecord: boolean
}

interface Holder {
  readonly version: number
  readonly release: () => Promise<unknown>
}

const putRecord = (store: ObjectStore, key: string, record: object) => store.put(key, new TextEncoder().encode(JSON.stringify(record)))

async function rowsAt(table: Table, version: number): Promise<string[]> {
  const rows = await (await table.asOf(version)).scan().toArray()
  return rows.map(({ id, n }) => `${id} ${n}`).sort()
}

/** Does one thing to a table. @returns the rows that the model has then */
async function apply(
  table: Table,
  { what, id }: typeof change extends fc.Arbitrary<infer T> ? T : never,
  versions: readonly Version[],
  stays: (v: number) => boolean,
) {
  const before = versions.at(-1)!.rows
  const matches = (row: string) => Number(row.split(' ')[0]) % 3 === id % 3
  if (what === 'append') {
    await table.append([
      { id, n: versions.length },
      { id: id + 1, n: 0 },
    ])
    return [...before, `${id} ${versions.length}`, `${id + 1} 0`]
  }
  if (what === 'delete') {
    await table.delete({ where: `id % 3 = ${id % 3}` })
    return before.filter((row) => !matches(row))
  }
  if (what === 'update') {
    await table.update({ set: { n: 'n + 1' }, where: `id % 3 = ${id % 3}` })
    return before.map((row) => (matches(row) ? `${row.split(' ')[0]} ${Number(row.split(' ')[1]) + 1}` : row))
  }
  if (what === 'overwrite') {
    await table.overwrite([{ id, n: 7 }])
    return [`${id} 7`]
  }
  if (what === 'optimize') {
    await table.optimize()
    return before
  }
  const readable = versions.map((_, version) => version).filter(stays)
  const back = readable[id % readable.length]!
  await table.restore(back)
  return versions[back]!.rows
}

/** Makes something hold a version. */
async function hold(store: ObjectStore, table: Table, version: number, kind: string, name: string): Promise<Holder | undefined> {
  if (kind === 'tag') {
    await table.tag(name, { version })
    return { version, release: () => table.untag(name) }
  }
  if (kind === 'hold') {
    await putRecord(store, `_varve/holds/${name}.json`, { version })
    return { version, release: () => putRecord(store, `_varve/holds/${name}.released.json`, {}) }
  }
  await putRecord(store, `_varve/runs/${name}/start.json`, { version })
  if (kind === 'failed') await putRecord(store, `_varve/runs/${name}/end.json`, { status: 'failed' })
  if (kind === 'retired') await putRecord(store, `_varve/runs/${name}/retired.json`, {})
  return kind === 'run' ? { version, release: () => putRecord(store, `_varve/runs/${name}/retired.json`, {}) } : undefined
}

test('what stays, and what went into the archive, reads row by row as it did', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 3 }), async (rounds) => {
      vi.setSystemTime(begin)
      const [store, archive] = [memoryStore(), memoryStore()]
      const table = await Table.create(store, { schema: 'id BIGINT, n BIGINT' })
      const versions: Version[] = [{ time: Date.now(), rows: [], isRecord: false }]
      const gone = new Set<number>()
      let holders: (Holder & { readonly released: boolean })[] = []
      let policy: { readonly keepLast?: number | undefined; readonly keepDays?: number | undefined } = {}
      for (const { changes, keepLast, keepDays } of rounds) {
        for (const one of changes) {
          vi.setSystemTime(Date.now() + one.hours * 3_600_000)
          const rows = await apply(table, one, versions, (version) => !gone.has(version))
          if ((await table.version()) === versions.length) versions.push({ time: Date.now(), rows: [...rows].sort(), isRecord: false })
          if (!one.holder) continue
          const { kind, released } = one.holder
          const holder = await hold(store, table, versions.length - 1, kind, `h-${Date.now().toString(36)}`)
          if (holder) holders.push({ ...holder, released })
        }
        vi.setSystemTime(Date.now() + 3_600_000)
        policy = { keepLast: keepLast ?? policy.keepLast, keepDays: keepDays ?? policy.keepDays }
        const ends = ending(versions, policy, holders).filter((version) => !gone.has(version))

        const result = await table.retain({ keepLast, keepDays, keepTags: true, archive })
        expect(result.ended.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i))).toEqual(ends)
        if (result.version !== null) versions.push({ time: Date.now(), rows: versions.at(-1)!.rows, isRecord: true })
        for (const version of ends) gone.add(version)
        for (const { released, release } of holders) if (released) await release()
        holders = holders.filter(({ released }) => !released)
      }
      const home = await Table.open(store)
      const old = gone.size > 0 ? await Table.open(archive) : undefined
      for (const [version, { rows }] of versions.entries()) {
        const there = gone.has(version) ? old! : home
        expect(await rowsAt(there, version), `version ${version}${gone.has(version) ? ', archived' : ''}`).toEqual(rows)
        if (gone.has(version))
          await expect(home.asOf(version)).rejects.toMatchObject({ code: 'VERSION_ENDED', data: { archive: archive.root } })
      }
      // Nothing lies there that no version names.
      expect((await home.retain({ archive })).files).toBe(0)
    }),
    { numRuns: 4 },
  )
})

/** The versions that a policy does not keep. */
function ending(
  versions: readonly Version[],
  { keepLast = 1, keepDays }: { readonly keepLast?: number | undefined; readonly keepDays?: number | undefined },
  holders: readonly Holder[],
): number[] {
  const counting = versions.flatMap(({ isRecord }, version) => (isRecord ? [] : [version]))
  const recent = counting.at(-Math.min(keepLast, counting.length))!
  const cutoff = Date.now() - (keepDays ?? 0) * day
  const young = Math.max(
    0,
    versions.findLastIndex(({ time }) => time <= cutoff),
  )
  const first = Math.min(recent, keepDays === undefined ? versions.length - 1 : young)
  return versions.flatMap((_, version) => (version >= first || holders.some((holder) => holder.version === version) ? [] : [version]))
}
