/**
 * Random histories by hand: files that are added, rewritten, moved unchanged, removed and added again, with deletion vectors that come, go
 * and change, in commits that list their actions in any order. Rows come from a small pool, so that many are the same.
 */
import fc from 'fast-check'
import type { Row } from '../../src/index.ts'
import type { Action } from '../../src/log/actions.ts'
import { handTable } from './feeds.ts'
import { column, type HandTable, withVector } from './hand-table.ts'
import { vectorInline } from './vectors.ts'

const doubles = ['NULL', '0.0', '-0.0', "'NaN'", '1.5']
const maps = ['NULL', 'MAP {}', "MAP {'a': 1, 'b': 2}", "MAP {'b': 2, 'a': 1}", "MAP {'a': NULL}"]
const structs = [
  'NULL',
  "{'x': -0.0, 'tags': [MAP {'a': 1, 'b': 2}]}",
  "{'x': 0.0, 'tags': [MAP {'b': 2, 'a': 1}]}",
  "{'x': NULL, 'tags': NULL}",
]

/** A row of the pool as SQL: id, v, m, s. */
const poolRow = fc
  .tuple(fc.nat(7), fc.constantFrom(...doubles), fc.constantFrom(...maps), fc.constantFrom(...structs))
  .map(
    ([id, v, m, s]) =>
      `(${id === 7 ? 'NULL' : id}::BIGINT, ${v}::DOUBLE, ${m}::MAP(VARCHAR, INTEGER), ${s}::STRUCT(x DOUBLE, tags MAP(VARCHAR, INTEGER)[]))`,
  )

const part = fc.constantFrom('x', 'y', null)

const add = fc.record({ kind: fc.constant('add' as const), part, rows: fc.array(poolRow, { maxLength: 6, size: 'max' }) })

const step = fc.oneof(
  { weight: 2, arbitrary: add },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('vector' as const),
      file: fc.nat(),
      flips: fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('move' as const), file: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rewrite' as const), file: fc.nat(), row: poolRow }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), file: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('again' as const), file: fc.nat() }) },
)

/** What happens, version by version after the first. */
export const commits = fc
  .tuple(
    fc.array(add, { minLength: 1, maxLength: 3, size: 'max' }),
    fc.array(fc.array(step, { maxLength: 4, size: 'max' }), { minLength: 2, maxLength: 5, size: 'max' }),
  )
  .map(([first, rest]): Step[][] => [first, ...rest])

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

interface File {
  readonly path: string
  readonly part: string | null
  readonly rows: readonly string[]
  deleted: ReadonlySet<number>
}

const tags = {
  type: 'array' as const,
  elementType: { type: 'map' as const, keyType: 'string' as const, valueType: 'integer' as const, valueContainsNull: true },
  containsNull: true,
}
const fields = [
  column('id', 'long'),
  column('v', 'double'),
  column('m', tags.elementType),
  column('s', { type: 'struct', fields: [column('x', 'double'), column('tags', tags)] }),
  column('part', 'string'),
]

/** The same row by other bytes: maps in another order, zeros of the other sign. */
function respelled(row: string): string {
  const [one, other] = [maps[2]!, maps[3]!]
  return row
    .replaceAll(/MAP \{[^}]*\}/g, (map) => (map === one ? other : map === other ? one : map))
    .replaceAll(/-?0\.0/g, (zero) => (zero === '0.0' ? '-0.0' : '0.0'))
}

/** A table that has gone through it. */
export async function randomHistory(history: readonly (readonly Step[])[]): Promise<HandTable> {
  const table = handTable(fields, { partitionColumns: ['part'] })
  let [live, gone]: [File[], File[]] = [[], []]
  const write = async (rows: readonly string[], of: string | null): Promise<File> => {
    const values = rows.length === 0 ? 'NULL::BIGINT AS id, NULL::DOUBLE AS v WHERE false' : ''
    const select = rows.length === 0 ? `SELECT ${values}` : `SELECT * FROM (VALUES ${rows.join(', ')}) AS t(id, v, m, s)`
    return { path: await table.file(select), part: of, rows, deleted: new Set() }
  }
  const vectorOf = ({ deleted }: File) => withVector(deleted.size === 0 ? undefined : vectorInline([...deleted].sort((a, b) => a - b)))
  const add = (file: File, dataChange = true): Action => {
    // Now and then the statistics say nothing.
    const stats = file.rows.length % 2 === 0 ? { stats: JSON.stringify({ numRecords: file.rows.length }) } : {}
    return table.add(file.path, { dataChange, partitionValues: { part: file.part }, ...stats, ...vectorOf(file) })
  }
  const remove = (file: File, dataChange = true): Action =>
    table.remove(file.path, { dataChange, partitionValues: { part: file.part }, ...vectorOf(file) })
  for (const steps of history) {
    const actions: Action[] = []
    const touched = new Set<string>()
    for (const one of steps) {
      if (one.kind === 'add') {
        const file = await write(one.rows, one.part)
        touched.add(file.path)
        live.push(file)
        actions.push(add(file))
        continue
      }
      const from = one.kind === 'again' ? gone : live
      const file = from[one.file % Math.max(1, from.length)]
      if (file === undefined || touched.has(file.path)) continue
      touched.add(file.path)
      if (one.kind === 'again') {
        gone = gone.filter((other) => other !== file)
        if (file.rows.length > 0) file.deleted = new Set([one.file % file.rows.length])
        live.push(file)
        actions.push(add(file))
        continue
      }
      actions.push(remove(file, one.kind !== 'move'))
      if (one.kind === 'vector') {
        const deleted = new Set(file.deleted)
        for (const flip of file.rows.length === 0 ? [] : one.flips)
          if (!deleted.delete(flip % file.rows.length)) deleted.add(flip % file.rows.length)
        file.deleted = deleted
        actions.push(add(file))
        continue
      }
      live = live.filter((other) => other !== file)
      gone.push(file)
      if (one.kind === 'remove') continue
      const staying = file.rows.filter((_, row) => !file.deleted.has(row)).reverse()
      const fresh = await write(one.kind === 'rewrite' ? [...staying.slice(1), one.row] : staying.map(respelled), file.part)
      touched.add(fresh.path)
      live.push(fresh)
      actions.push(add(fresh, one.kind !== 'move'))
    }
    table.commit(actions.reverse())
  }
  return table
}

/** A row as text that is the same for rows that count as the same. */
export function textOf({ id, v, m, s, part: of }: Row): string {
  const number = (value: unknown) => (value === 0 ? '0' : String(value))
  const map = (value: unknown) => value && [...(value as Map<string, number | null>)].sort()
  const { x, tags: list } = (s ?? {}) as { x?: unknown; tags?: readonly unknown[] | null }
  return JSON.stringify([String(id), number(v), map(m), s && [number(x), list && [...list].map(map)], of])
}
