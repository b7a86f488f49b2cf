/**
 * Random lives of a table that is altered between loads and deletes, beside a model of plain objects: every version has the columns and
 * the rows that the model had then, with handles that are opened anew, and column ids are never given twice.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { memoryStore, type StructType, Table, type TableChange } from '../../../src/index.ts'
import { allFields } from '../../../src/schema/evolve/fields.ts'

interface Column {
  readonly name: string
  readonly type: string
}
type Row = Readonly<Record<string, string | null>>

/** The table as it should be: plain columns, those of the struct `s` under `s.`, values as text. */
class Model {
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]

  constructor(columns: readonly Column[], rows: readonly Row[]) {
    this.columns = columns
    this.rows = rows
  }

  with(columns: readonly Column[], rows: (row: Row) => Row = (row) => row): Model {
    return new Model(columns, this.rows.map(rows))
  }
}

const widths = ['TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT']
const inStruct = (name: string): boolean => name.startsWith('s.')

const step = fc.record({
  kind: fc.constantFrom('append', 'delete', 'add', 'add', 'add', 'rename', 'drop', 'drop', 'widen', 'move', 'reopen'),
  at: fc.nat(50),
  name: fc.constantFrom('a', 'b', 'c', 's.a', 's.b', 's.c'),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

const first: Step = { kind: 'append', at: 0, name: 'a' }

/** The change that a step asks for and the model after it; `undefined` where the step means nothing here. */
function altered(model: Model, { kind, at, name }: Step): { change: TableChange; model: Model } | undefined {
  const { columns } = model
  const column = columns[at % columns.length]!
  const level = columns.filter((one) => inStruct(one.name) === inStruct(column.name))
  const isNew = columns.every((one) => one.name !== name)
  if (kind === 'add' && isNew) {
    const type = widths[at % 3]!
    return { change: { add: { name, type } }, model: model.with([...columns, { name, type }], (row) => ({ ...row, [name]: null })) }
  }
  if (kind === 'rename' && isNew && inStruct(name) === inStruct(column.name)) {
    const renamed = columns.map((one) => (one === column ? { ...one, name } : one))
    const rows = ({ [column.name]: value = null, ...row }: Row): Row => ({ ...row, [name]: value })
    return { change: { rename: { name: column.name, to: name } }, model: model.with(renamed, rows) }
  }
  if (kind === 'drop' && level.length > 1) {
    const rows = ({ [column.name]: _, ...row }: Row): Row => row
    return {
      change: { drop: column.name },
      model: model.with(
        columns.filter((one) => one !== column),
        rows,
      ),
    }
  }
  const wider = widths[widths.indexOf(column.type) + 1]
  if (kind === 'widen' && wider !== undefined)
    return {
      change: { widen: { name: column.name, type: wider } },
      model: model.with(columns.map((one) => (one === column ? { ...one, type: wider } : one))),
    }
  if (kind === 'move') return { change: { move: { name: column.name, first: true } }, model }
  return undefined
}

/** A query that gives one row, of numbers that fill its columns, and the row. */
function load({ columns }: Model, number: number): { query: string; row: Row } {
  const value = (index: number) => String((number * 7 + index) % 100)
  const row = Object.fromEntries(columns.map(({ name }, index) => [name, (number + index) % 5 === 0 ? null : value(index)]))
  const sql = ({ name, type }: Column) => `CAST(${row[name] ?? 'NULL'} AS ${type})`
  const plain = columns.filter(({ name }) => !inStruct(name)).map((column) => `${sql(column)} AS ${column.name}`)
  const nested = columns.filter(({ name }) => inStruct(name)).map((column) => `${column.name.slice(2)}: ${sql(column)}`)
  return { query: `SELECT ${[...plain, `{${nested.join(', ')}} AS s`].join(', ')}`, row }
}

async function check(table: Table, version: number, model: Model): Promise<void> {
  const snapshot = await table.asOf(version)
  const text = (value: unknown) => (value === null || value === undefined ? null : String(value))
  const rows = (await snapshot.scan().toArray()).map(({ s, ...row }) => {
    const nested = Object.entries(s as Record<string, unknown>).map(([name, value]) => [`s.${name}`, text(value)])
    return Object.fromEntries([...Object.entries(row).map(([name, value]) => [name, text(value)]), ...nested])
  })
  const sorted = (all: readonly Row[]) => all.map((row) => JSON.stringify(Object.entries(row).sort())).sort()
  expect(sorted(rows), `version ${version}`).toEqual(sorted(model.rows))
  expect(columnsOf(snapshot.schema)).toEqual(model.columns.map(({ name }) => name).sort())
}

function columnsOf(schema: StructType): string[] {
  return [...allFields(schema)]
    .map(([path]) => path.join('.'))
    .filter((name) => name !== 's')
    .sort()
}

test.each([true, false])('every version is what it was made as (deletion vectors: %s)', { timeout: 60_000 }, async (vectors) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 20 }), async (steps) => {
      const store = memoryStore()
      let table = await Table.create(store, {
        schema: 'a TINYINT, b INTEGER, s STRUCT(a TINYINT, b INTEGER)',
        properties: { 'delta.enableDeletionVectors': String(vectors) },
      })
      let model = new Model(
        [
          ['a', 'TINYINT'],
          ['b', 'INTEGER'],
          ['s.a', 'TINYINT'],
          ['s.b', 'INTEGER'],
        ].map(([name, type]) => ({ name: name!, type: type! })),
        [],
      )
      const versions = new Map([[0, model]])
      let highest = 0
      // Something is there from the beginning that changes can do harm to.
      for (const [number, each] of [first, ...steps].entries()) {
        if (each.kind === 'reopen') table = await Table.open(store)
        else if (each.kind === 'append') {
          const { query, row } = load(model, number)
          model = new Model(model.columns, [...model.rows, row])
          versions.set((await table.append({ query })).version, model)
        } else if (each.kind === 'delete') {
          const column = model.columns[each.at % model.columns.length]!
          const value = model.rows[each.at % Math.max(1, model.rows.length)]?.[column.name] ?? '-1'
          model = new Model(
            model.columns,
            model.rows.filter((row) => row[column.name] !== value),
          )
          versions.set((await table.delete({ where: `${column.name} = ${value}` })).version, model)
        } else {
          const next = altered(model, each)
          if (next === undefined) continue
          model = next.model
          versions.set((await table.alter(next.change)).version, model)
        }
        const { schema, properties } = await table.latest()
        const ids = [...allFields(schema)].map(([, { metadata }]) => Number(metadata['delta.columnMapping.id'] ?? 0))
        const last = Number(properties['delta.columnMapping.maxColumnId'] ?? 0)
        expect(last).toBeGreaterThanOrEqual(Math.max(highest, ...ids))
        highest = last
      }
      const reopened = await Table.open(store)
      for (const [version, then] of versions) await check(reopened, version, then)
    }),
    { numRuns: Number(process.env.VARVE_FUZZ ?? 1) * 4 },
  )
})
