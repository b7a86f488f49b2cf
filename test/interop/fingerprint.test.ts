/** The fingerprints of random tables, against a second implementation that was written from spec/fingerprint.md alone. */
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type DataType, memoryStore, type StructType, Table } from '../../src/index.ts'
import { runCommand } from '../support/child.ts'
import { project } from '../support/project.ts'
import { selectOf, type TypedValue } from '../support/typed-values.ts'
import { temporaryFolder } from './tables.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.dispose())

async function python(args: readonly string[], input = ''): Promise<unknown> {
  const { code, stdout, stderr } = await runCommand('python3', [join(project, 'test/interop/fingerprint.py'), ...args], { input })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

const integer = (bits: number) => fc.bigInt({ min: -(1n << BigInt(bits - 1)), max: (1n << BigInt(bits - 1)) - 1n }).map(String)
const special = (value: number): TypedValue => (Number.isFinite(value) ? value : String(value))
const decimal = fc.bigInt({ min: -(10n ** 10n) + 1n, max: 10n ** 10n - 1n }).map((units) => {
  const digits = String(units < 0n ? -units : units).padStart(4, '0')
  return `${units < 0n ? '-' : ''}${digits.slice(0, -3)}.${digits.slice(-3)}`
})

const values: Readonly<Record<string, fc.Arbitrary<TypedValue>>> = {
  byte: integer(8),
  short: integer(16),
  integer: integer(32),
  long: integer(64),
  float: fc.float().map(special),
  double: fc.double().map(special),
  'decimal(10,3)': decimal,
  boolean: fc.boolean(),
  string: fc.string({ unit: 'binary', maxLength: 6 }).filter((text) => !text.includes('\0')),
  binary: fc.uint8Array({ maxLength: 5 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  date: fc.integer({ min: -719_162, max: 2_932_896 }).map(String),
  timestamp: fc.integer({ min: -1e15, max: 1e15 }).map(String),
  timestamp_ntz: fc.integer({ min: -1e15, max: 1e15 }).map(String),
}

const { type } = fc.letrec<{ type: DataType; struct: StructType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 2 },
    fc.constantFrom(...Object.keys(values)) as fc.Arbitrary<DataType>,
    tie('type').map((elementType): DataType => ({ type: 'array', elementType, containsNull: true })),
    tie('type').map((valueType): DataType => ({ type: 'map', keyType: 'string', valueType, valueContainsNull: true })),
    tie('struct'),
  ),
  struct: fc.array(tie('type'), { minLength: 1, maxLength: 2 }).map(schemaOf),
}))

function schemaOf(types: readonly DataType[]): StructType {
  return { type: 'struct', fields: types.map((type, at) => ({ name: `ç${at}`, type, nullable: true, metadata: {} })) }
}

function typed(of: DataType): fc.Arbitrary<TypedValue> {
  if (typeof of === 'string') return fc.option(values[of]!)
  if (of.type === 'array') return fc.option(fc.array(typed(of.elementType), { maxLength: 3 }))
  if (of.type === 'struct') return fc.option(fc.tuple(...of.fields.map((field) => typed(field.type))))
  const entries = fc.uniqueArray(fc.tuple(values.string!, typed(of.valueType)), { maxLength: 3, selector: ([key]) => key })
  return fc.option(entries)
}

const table = fc
  .array(type, { minLength: 1, maxLength: 4 })
  .chain((types) => fc.record({ schema: fc.constant(schemaOf(types)), rows: fc.array(fc.tuple(...types.map(typed)), { maxLength: 6 }) }))

it('agrees with it on the rows of random tables', async () => {
  const tables = fc.sample(table, 60)
  const theirs = await python(['rows'], JSON.stringify(tables))
  const ours: (string | null)[] = []
  for (const { schema, rows } of tables) {
    const made = await Table.create(memoryStore(), { schema })
    await made.append({ query: selectOf(schema, rows) })
    ours.push((await (await made.latest()).fingerprints()).rows)
  }
  expect(ours).toEqual(theirs)
})

it('agrees with it on ids and files: partitions, vectors, renamed columns', async () => {
  const path = join(folder.path, 'events')
  const made = await Table.create(path, { schema: 'id BIGINT, day VARCHAR', partitionBy: ['day'] })
  const check = async () => {
    const { id, files } = await (await made.latest()).fingerprints()
    expect({ id, files }).toEqual(await python(['files', path]))
  }
  await check()
  await made.append({ query: `SELECT i AS id, CASE WHEN i % 3 > 0 THEN 'ü ' || i % 3 END AS day FROM range(3000) t(i)` })
  await check()
  await made.delete({ where: 'id % 100 = 7' })
  await made.delete({ where: 'id = 5' })
  await check()
  await made.alter({ rename: { name: 'day', to: 'the day' } })
  await made.append({ query: `SELECT 1::BIGINT AS id, 'ü 1' AS "the day"` })
  await check()
})
