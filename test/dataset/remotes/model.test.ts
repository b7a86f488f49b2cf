/** Two copies and a remote in random lives, beside a model of what each holds: what moves, what is refused, and that no row is lost or doubled. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { memoryStore, type ObjectStore, Table } from '../../../src/index.ts'

/** A version, as the model has it. */
type Change = { readonly add: number } | { readonly takes: number }

class Place {
  readonly store: ObjectStore = memoryStore()
  /** What was committed after version 0; `undefined` where there is no table. */
  history: Change[] | undefined
}

const rowsOf = (history: readonly Change[]): number[] =>
  history.reduce<number[]>((rows, change) => ('add' in change ? rows.concat(change.add) : rows.filter((id) => id % 3 !== change.takes)), [])

const isPrefix = (one: readonly Change[], other: readonly Change[]): boolean => one.every((change, at) => other[at] === change)

async function rowsIn(store: ObjectStore, version?: number): Promise<number[]> {
  const table = await Table.open(store)
  const snapshot = version === undefined ? await table.latest() : await table.asOf(version)
  return (await snapshot.scan({ columns: ['id'] }).toArray()).map(({ id }) => Number(id)).sort((a, b) => a - b)
}

const steps = fc.record({
  copy: fc.integer({ min: 0, max: 1 }),
  verb: fc.oneof(
    { weight: 4, arbitrary: fc.constant('append' as const) },
    { weight: 2, arbitrary: fc.constant('delete' as const) },
    { weight: 4, arbitrary: fc.constant('push' as const) },
    { weight: 3, arbitrary: fc.constant('pull' as const) },
    { weight: 1, arbitrary: fc.constant('history' as const) },
  ),
})

it('holds what the model holds, and refuses what the model refuses', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 4, maxLength: 14 }), async (life) => {
      const copies = [new Place(), new Place()]
      const remote = new Place()
      await Table.create(copies[0]!.store, { schema: 'id BIGINT' })
      copies[0]!.history = []
      let next = 0
      for (const { copy, verb } of life) {
        const own = copies[copy]!
        if (verb === 'pull' || verb === 'history') await pull(own, remote, verb === 'history')
        else if (own.history === undefined) continue
        else if (verb === 'push') await push(own, remote)
        else {
          next += 1
          const change: Change = verb === 'append' ? { add: next } : { takes: next % 3 }
          const table = await Table.open(own.store)
          const before = await table.version()
          if ('add' in change) await table.append([{ id: BigInt(change.add) }])
          else await table.delete({ where: `id % 3 = ${change.takes}` })
          // A delete that hits no row makes no version.
          if ((await table.version()) > before) own.history.push(change)
        }
        for (const place of [...copies, remote]) {
          if (place.history !== undefined) expect(await rowsIn(place.store)).toEqual(rowsOf(place.history))
        }
      }
      for (let version = 0; remote.history !== undefined && version <= remote.history.length; version += 1)
        expect(await rowsIn(remote.store, version)).toEqual(rowsOf(remote.history.slice(0, version)))
    }),
    { numRuns: 6 },
  )
})

async function push(own: Place, remote: Place): Promise<void> {
  const [mine, theirs] = [own.history!, remote.history ?? []]
  const pushed = Table.open(own.store).then((table) => table.push(remote.store))
  if (remote.history === undefined || isPrefix(theirs, mine)) {
    const versions = remote.history === undefined ? mine.length + 1 : mine.length - theirs.length
    expect(await pushed).toMatchObject({ versions })
    remote.history = [...mine]
  } else await expect(pushed).rejects.toMatchObject({ code: isPrefix(mine, theirs) ? 'REMOTE_AHEAD' : 'REMOTE_DIVERGED' })
}

async function pull(own: Place, remote: Place, history: boolean): Promise<void> {
  const pulled = Table.pull(own.store, { from: remote.store, history })
  if (remote.history === undefined) return expect(pulled).rejects.toMatchObject({ code: 'REMOTE_EMPTY' })
  const [mine, theirs] = [own.history ?? [], remote.history]
  if (own.history === undefined || isPrefix(mine, theirs)) {
    const { complete, versions } = await pulled
    expect(versions).toBe(own.history === undefined ? theirs.length + 1 : theirs.length - mine.length)
    expect(complete.at(-1)?.to).toBe(theirs.length)
    if (history) expect(complete).toEqual([{ from: 0, to: theirs.length }])
    own.history = [...theirs]
  } else if (isPrefix(theirs, mine)) expect(await pulled).toMatchObject({ versions: 0 })
  else await expect(pulled).rejects.toMatchObject({ code: 'REMOTE_DIVERGED', data: { commonVersion: commonOf(mine, theirs) } })
}

/** The last version that is the same in both. */
function commonOf(mine: readonly Change[], theirs: readonly Change[]): number {
  return mine.findIndex((change, at) => theirs[at] !== change)
}
