/** Constraints, defaults, generated and identity columns: what is stored, and that rows that are there must fulfil them. */
import { expect, test } from 'vitest'
import { memoryStore, Table, type TableChange } from '../../../src/index.ts'

const made = async (schema: string, query?: string, more: object = {}) => {
  const table = await Table.create(memoryStore(), { schema, ...more })
  if (query !== undefined) await table.append({ query })
  return table
}
const refused = async (table: Table, change: TableChange, code: string, data: object = {}) => {
  const before = await table.version()
  await expect(table.alter(change)).rejects.toMatchObject({ code, data })
  expect(await table.version()).toBe(before)
}
const metadataOf = async (table: Table, name: string) => (await table.latest()).schema.fields.find((field) => field.name === name)!.metadata
const constraint = (name: string, expression: string): TableChange => ({ addConstraint: { name, expression } })

test('a constraint that rows are against, NULL among them, is refused with their number; one that they fulfil is kept', async () => {
  const table = await made(
    'id BIGINT, s STRUCT(a INTEGER)',
    'SELECT i::BIGINT AS id, {a: CASE WHEN i = 3 THEN NULL ELSE i END::INTEGER} AS s FROM range(5) t(i)',
  )
  await refused(table, constraint('positive', 'id > 0'), 'CONSTRAINT_VIOLATED', { constraint: 'positive', rows: 1 })
  await refused(table, constraint('all', 's.a >= 0'), 'CONSTRAINT_VIOLATED', { rows: 1 })
  // Where engines do not agree on a value, no row is taken to fulfil it.
  await refused(table, constraint('odd', '10 / id > 0'), 'CONSTRAINT_VIOLATED', { rows: 1 })
  await refused(table, constraint('x', 'id'), 'TYPE_MISMATCH')
  await refused(table, constraint('x', 'nowhere > 0'), 'UNSUPPORTED_EXPRESSION')
  await refused(table, constraint('x', `id IN (SELECT 1)`), 'UNSUPPORTED_EXPRESSION')
  await refused(table, constraint('a b', 'id >= 0'), 'INVALID_ARGUMENT')
  const result = await table.alter(constraint('Small', 'id < 100 AND (s.a IS NULL OR s.a < 100)'))
  expect(result).toMatchObject({ operation: 'ADD CONSTRAINT', features: ['checkConstraints'] })
  const stored = (await table.latest()).properties['delta.constraints.small']!
  expect(await table.alter(constraint('small', stored))).toMatchObject({ version: result.version, changes: [] })
  await refused(table, constraint('small', 'id < 5'), 'DUPLICATE_CONSTRAINT')
  for (const change of [
    { drop: 's' },
    { drop: 's.a' },
    { rename: { name: 'id', to: 'key' } },
    { widen: { name: 's.a', type: 'BIGINT' } },
  ] satisfies TableChange[])
    await refused(table, change, 'COLUMN_IN_USE')
  await refused(table, { unset: 'delta.constraints.small' }, 'INVALID_PROPERTY')
  await refused(table, { dropConstraint: 'large' }, 'UNKNOWN_CONSTRAINT', { constraints: ['small'] })
  expect(await table.alter({ dropConstraint: 'SMALL' })).toMatchObject({ operation: 'DROP CONSTRAINT' })
  await table.alter({ rename: { name: 'id', to: 'key' } })
  expect((await table.asOf(result.version)).properties).toHaveProperty(['delta.constraints.small'])
})

test('changes of one call see each other: a column is added, named by a constraint, and the rows are checked against both', async () => {
  const table = await made('id BIGINT', 'SELECT 1::BIGINT AS id')
  const add: TableChange = { add: { name: 'n', type: 'INTEGER' } }
  await expect(table.alter([add, constraint('there', 'n IS NOT NULL')])).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
  await table.alter([{ rename: { name: 'id', to: 'key' } }, add, constraint('there', 'n IS NULL OR n > key')])
  expect((await table.latest()).properties).toHaveProperty(['delta.constraints.there'])
})

test('a default is stored as every engine reads it, where it is a value of the column', async () => {
  const table = await made('id BIGINT, city VARCHAR, n TINYINT, made TIMESTAMPTZ, s STRUCT(a INTEGER)', `SELECT 1::BIGINT AS id`)
  const byDefault = (name: string, expression?: string): TableChange => ({ default: { name, expression } })
  expect(await table.alter([byDefault('city', `'it''s'`), byDefault('n', '-1'), byDefault('made', 'current_timestamp')])).toMatchObject({
    features: ['allowColumnDefaults'],
    operation: 'CHANGE COLUMN',
  })
  expect(String((await metadataOf(table, 'city')).CURRENT_DEFAULT)).toMatch(/^(["']).*s\1$/)
  expect(await metadataOf(table, 'n')).toMatchObject({ CURRENT_DEFAULT: '-1' })
  await refused(table, byDefault('n', '300'), 'TYPE_MISMATCH')
  await refused(table, byDefault('n', '1.5'), 'TYPE_MISMATCH')
  await refused(table, byDefault('n', `'1'`), 'TYPE_MISMATCH')
  await refused(table, byDefault('n', 'id'), 'UNSUPPORTED_EXPRESSION')
  await refused(table, byDefault('s.a', '1'), 'INVALID_ARGUMENT')
  await table.alter(byDefault('n'))
  expect(await metadataOf(table, 'n')).toEqual({})
  expect(await (await table.latest()).scan({ columns: ['city', 'n'] }).toArray()).toEqual([{ city: null, n: null }])
})

test('a generated column must have its values in the rows that are there', async () => {
  const table = await made(
    'id BIGINT, twice BIGINT',
    'SELECT i::BIGINT AS id, CASE WHEN i < 4 THEN 2 * i END::BIGINT AS twice FROM range(5) t(i)',
  )
  const generated = (name: string, type: string, expression: string): TableChange => ({ generated: { name, type, expression } })
  await refused(table, generated('twice', 'BIGINT', 'id * 2'), 'GENERATED_VALUE_MISMATCH', { rows: 1 })
  await refused(table, generated('twice', 'INTEGER', 'id * 2'), 'TYPE_MISMATCH')
  await refused(table, generated('twice', 'BIGINT', `'x'`), 'TYPE_MISMATCH')
  await refused(table, generated('twice', 'BIGINT', 'twice * 2'), 'UNSUPPORTED_EXPRESSION')
  // The rows that are there would have NULL in a new column.
  await refused(table, generated('new', 'BIGINT', 'id + 1'), 'GENERATED_VALUE_MISMATCH', { rows: 5 })
  await table.delete({ where: 'twice IS NULL' })
  expect(await table.alter(generated('twice', 'BIGINT', 'id * 2'))).toMatchObject({ features: ['generatedColumns'] })
  expect(Object.keys(await metadataOf(table, 'twice'))).toEqual(['delta.generationExpression'])
  expect(await table.alter(generated('twice', 'BIGINT', 'id*2'))).toMatchObject({ changes: [] })
  await refused(table, { drop: 'id' }, 'COLUMN_IN_USE')
  await refused(table, { default: { name: 'twice', expression: '1' } }, 'COLUMN_IN_USE')
  await table.alter({ drop: 'twice' })
  const empty = await made('id BIGINT')
  await empty.alter(generated('new', 'BIGINT', 'id + 1'))
  expect((await empty.latest()).schema.fields.map(({ name }) => name)).toEqual(['id', 'new'])
})

test('an identity column goes on behind the values that are there', async () => {
  const table = await made(
    'id BIGINT, n INTEGER, down BIGINT, empty BIGINT',
    'SELECT i::BIGINT AS id, i::INTEGER AS n, -i::BIGINT AS down FROM range(8) t(i)',
  )
  await refused(table, { identity: 'n' }, 'TYPE_MISMATCH')
  await refused(table, { identity: 'empty' }, 'NOT_NULL_VIOLATED', { rows: 8 })
  await refused(table, { identity: { name: 'id', step: 0 } }, 'INVALID_ARGUMENT')
  expect(
    await table.alter([
      { identity: { name: 'id', step: 3 } },
      { identity: { name: 'down', start: -1, step: -2, allowExplicitInsert: true } },
    ]),
  ).toMatchObject({
    features: ['identityColumns'],
  })
  const identity = (start: number, step: number, mark: number | undefined, allow: boolean) => ({
    'delta.identity.start': start,
    'delta.identity.step': step,
    ...(mark === undefined ? {} : { 'delta.identity.highWaterMark': mark }),
    'delta.identity.allowExplicitInsert': allow,
  })
  expect(await metadataOf(table, 'id')).toEqual(identity(1, 3, 7, false))
  expect(await metadataOf(table, 'down')).toEqual(identity(-1, -2, -7, true))
  await refused(table, { widen: { name: 'id', type: 'DECIMAL(20,0)' } }, 'TYPE_MISMATCH')
  const fresh = await made('n INTEGER')
  await fresh.alter({ identity: 'id' })
  expect(await metadataOf(fresh, 'id')).toEqual(identity(1, 1, undefined, false))
})

test('rows that come while a rule is checked are checked too', async () => {
  const store = memoryStore()
  const table = await Table.create(store, { schema: 'id BIGINT' })
  const other = await Table.open(store)
  const results = await Promise.allSettled([
    ...Array.from({ length: 6 }, async (_, i) => (await Table.open(store)).append([{ id: i % 3 }])),
    other.alter(constraint('positive', 'id > 0')),
  ])
  const ruled = results.at(-1)!.status === 'fulfilled'
  const left = await (await table.latest()).query('SELECT count(*) AS n FROM t WHERE NOT id > 0', { name: 't' }).toArray()
  expect(ruled && left[0]!.n !== 0n).toBe(false)
})

test('rules that were made are kept by the rows that come', async () => {
  const table = await made(
    'id BIGINT, n INTEGER, twice BIGINT, city VARCHAR',
    `SELECT 4::BIGINT AS id, 1::INTEGER AS n, 2::BIGINT AS twice, 'Oslo' AS city`,
  )
  await table.alter([
    constraint('small', 'n < 100'),
    { default: { name: 'city', expression: `'Turku'` } },
    { generated: { name: 'twice', type: 'BIGINT', expression: 'CAST(n AS BIGINT) * 2' } },
    { identity: 'id' },
  ])
  await expect(table.append([{ n: 100 }])).rejects.toMatchObject({ code: 'CONSTRAINT_VIOLATED' })
  await table.append([{ n: 5 }])
  const rows = await (await table.latest()).query('SELECT id > 4 AS counted, n, twice, city FROM t ORDER BY n', { name: 't' }).toArray()
  expect(rows).toEqual([
    { counted: false, n: 1, twice: 2n, city: 'Oslo' },
    { counted: true, n: 5, twice: 10n, city: 'Turku' },
  ])
  await table.alter([{ dropConstraint: 'small' }, { rename: { name: 'city', to: 'town' } }])
  await table.append([{ n: 100 }])
  expect(await (await table.latest()).scan({ columns: ['town', 'twice'], where: 'n = 100' }).toArray()).toEqual([
    { town: 'Turku', twice: 200n },
  ])
})
