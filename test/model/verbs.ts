/** The verbs of a life. Each changes the table and the mirror alike, and returns the version that the table should have then. */
import { expect } from 'vitest'
import type { CommitResult, MergeOptions, TableChange } from '../../src/index.ts'
import { quoteIdentifier } from '../../src/schema/quoting.ts'
import { type Life, newRows } from './life.ts'
import { type Column, condition, expression, kindNames, kinds, oddNames } from './values.ts'

/** Says what a verb does, for whoever has to find out. */
type Tell = (what: string) => void
type Verb = (life: Life, tell: Tell) => Promise<number>

const newest = ({ mirror }: Life): number => mirror.versions.length - 1
const setList = (set: Readonly<Record<string, string>>): string =>
  Object.entries(set)
    .map(([name, text]) => `${quoteIdentifier(name)} = ${text}`)
    .join(', ')

async function append(life: Life, tell: Tell): Promise<number> {
  const { mirror, table, random } = life
  const fresh = newRows(life, 1 + random.below(6))
  if (random.below(8) > 0 || mirror.columns.length > 8) {
    tell(fresh)
    await mirror.run(`INSERT INTO m BY NAME ${fresh}`)
    const txn = { appId: 'model', version: newest(life) }
    const { version } = await table.append({ query: fresh }, random.below(3) === 0 ? { txn } : {})
    return version
  }
  const column = newColumn(life)
  if (!column) return newest(life)
  const wider = newRows(life, 2, [...mirror.columns, column])
  tell(wider)
  mirror.columns = [...mirror.columns, column]
  await mirror.run(`ALTER TABLE m ADD COLUMN ${quoteIdentifier(column.name)} ${column.type}; INSERT INTO m BY NAME ${wider}`)
  return (await table.append({ query: wider }, { mergeSchema: true })).version
}

/** A load that landed before lands no second time. */
async function appendAgain(life: Life): Promise<number> {
  const { table, random } = life
  const txn = { appId: 'again', version: newest(life) + 1 }
  const fresh = newRows(life, 1 + random.below(3))
  await life.mirror.run(`INSERT INTO m BY NAME ${fresh}`)
  const { version } = await table.append({ query: fresh }, { txn })
  const again = await table.append({ query: fresh }, { txn })
  expect(again).toMatchObject({ alreadyApplied: true })
  return version
}

async function remove(life: Life, tell: Tell): Promise<number> {
  const { mirror, table, random } = life
  const where = random.below(20) === 0 ? undefined : condition(mirror.columns, mirror.highest, random)
  tell(`DELETE ${where}`)
  const count = await mirror.matching(where ?? 'true')
  await mirror.run(`DELETE FROM m WHERE ${where ?? 'true'}`)
  const result = await table.delete({ where })
  return counted(life, result, { numDeletedRows: count })
}

async function update(life: Life, tell: Tell): Promise<number> {
  const { mirror, table, random } = life
  const where = random.below(12) === 0 ? undefined : condition(mirror.columns, mirror.highest, random)
  const set = randomSet(life)
  tell(`UPDATE SET ${setList(set)} WHERE ${where}`)
  const count = await mirror.matching(where ?? 'true')
  await mirror.run(`UPDATE m SET ${setList(set)} WHERE ${where ?? 'true'}`)
  const result = await table.update({ set, where })
  return counted(life, result, { numUpdatedRows: count })
}

async function merge(life: Life, tell: Tell): Promise<number> {
  const { mirror, table, random } = life
  const { columns, highest } = mirror
  // A row of the source that is inserted must not have the `uid` of another.
  const byUid = random.below(2) === 0
  const on = byUid
    ? 'target.uid = source.uid'
    : random.of(['target.k = source.k', 'target.k = source.k AND source.uid % 2 = 0', 'source.k = target.k AND target.uid > 3'])
  const source = sourceRows(life, byUid)
  const when = (prefix: string) => ({ if: condition(columns, highest, random, prefix, 1) })
  const names = columns.map(({ name }) => quoteIdentifier(name))
  const fromSource = () => {
    const { name } = random.of(columns.filter((column) => column.name !== 'uid'))
    return { [name]: `source.${quoteIdentifier(name)}` }
  }
  const matched = () =>
    random.below(3) === 0
      ? { ...when(random.of(['target.', 'source.'])), delete: true as const }
      : { ...when(random.of(['target.', 'source.'])), update: random.below(2) === 0 ? fromSource() : randomSet(life, 'target.') }
  const notMatched = () => ({
    ...when('source.'),
    insert:
      random.below(2) === 0 ? ('all' as const) : Object.fromEntries(columns.map(({ name }) => [name, `source.${quoteIdentifier(name)}`])),
  })
  const bySource = () =>
    random.below(2) === 0 ? { ...when('target.'), delete: true as const } : { ...when('target.'), update: randomSet(life, 'target.') }
  // Only the last clause of its kind can be without a condition.
  const some = <T extends { readonly if?: string }>(make: () => T, most: number): T[] => {
    const clauses = Array.from({ length: random.below(most + 1) }, make)
    return clauses.map(
      ({ if: own, ...clause }, index) => (index < clauses.length - 1 || random.below(2) === 0 ? { ...clause, if: own } : clause) as T,
    )
  }
  const options: MergeOptions = {
    on,
    whenMatched: some(matched, 2),
    whenNotMatched: some(notMatched, 2),
    whenNotMatchedBySource: random.below(3) === 0 ? some(bySource, 2) : [],
  }
  const { whenMatched = [], whenNotMatched = [], whenNotMatchedBySource = [] } = options
  if (whenMatched.length + whenNotMatched.length + whenNotMatchedBySource.length === 0) return newest(life)
  const clauses = [
    ...[
      ...whenMatched.map((clause) => ['MATCHED', clause] as const),
      ...whenNotMatchedBySource.map((clause) => ['NOT MATCHED BY SOURCE', clause] as const),
    ].map(([kind, clause]) => {
      const action = 'delete' in clause ? 'DELETE' : `UPDATE SET ${setList(clause.update as Record<string, string>)}`
      return `WHEN ${kind}${clause.if ? ` AND ${clause.if}` : ''} THEN ${action}`
    }),
    ...whenNotMatched.map(
      (clause) =>
        `WHEN NOT MATCHED${clause.if ? ` AND ${clause.if}` : ''} THEN INSERT (${names.join(', ')}) VALUES (${names.map((name) => `source.${name}`).join(', ')})`,
    ),
  ]
  const sql = `MERGE INTO m AS target USING (${source}) AS source ON ${on} ${clauses.join(' ')}`
  tell(sql)
  const actions = await mirror.rows(`${sql} RETURNING merge_action`)
  const count = (action: string) => actions.filter(({ merge_action }) => merge_action === action).length
  const result = await table.merge({ query: source }, options)
  return counted(life, result, {
    numTargetRowsInserted: count('INSERT'),
    numTargetRowsUpdated: count('UPDATE'),
    numTargetRowsDeleted: count('DELETE'),
  })
}

async function upsert(life: Life, tell: Tell): Promise<number> {
  const { mirror, table } = life
  const source = sourceRows(life, true)
  tell(`UPSERT ${source}`)
  const names = mirror.columns.map(({ name }) => quoteIdentifier(name))
  await mirror.run(`MERGE INTO m AS target USING (${source}) AS source ON target.uid = source.uid
    WHEN MATCHED THEN UPDATE SET ${names.map((name) => `${name} = source.${name}`).join(', ')}
    WHEN NOT MATCHED THEN INSERT (${names.join(', ')}) VALUES (${names.map((name) => `source.${name}`).join(', ')})`)
  return (await table.upsert({ query: source }, { key: 'uid' })).version
}

async function overwrite(life: Life, tell: Tell): Promise<number> {
  const { mirror, table, random } = life
  const fresh = newRows(life, 1 + random.below(4))
  const kind = mirror.partitionBy.length > 0 ? random.below(4) : random.below(3)
  if (kind === 0) {
    tell(`OVERWRITE ${fresh}`)
    await mirror.run(`DELETE FROM m; INSERT INTO m BY NAME ${fresh}`)
    return (await table.overwrite({ query: fresh })).version
  }
  if (kind === 3) {
    tell(`OVERWRITE DYNAMIC ${fresh}`)
    const same = mirror.partitionBy.map((name) => quoteIdentifier(name))
    const value_ = (name: string) =>
      mirror.columns.some((column) => quoteIdentifier(column.name) === name && column.kind === 'string')
        ? `nullif(fresh.${name}, '')`
        : `fresh.${name}`
    const on = same.map((name) => `m.${name} IS NOT DISTINCT FROM ${value_(name)}`).join(' AND ')
    await mirror.run(`DELETE FROM m WHERE EXISTS (FROM (${fresh}) AS fresh WHERE ${on}); INSERT INTO m BY NAME ${fresh}`)
    return (await table.overwrite({ query: fresh }, { dynamic: true })).version
  }
  const where = condition(mirror.columns, mirror.highest, random)
  const partitionTexts = mirror.columns.filter(({ name, kind: of }) => of === 'string' && mirror.partitionBy.includes(name))
  const replaced = partitionTexts.map(({ name }) => `nullif(${quoteIdentifier(name)}, '') AS ${quoteIdentifier(name)}`)
  const fitting = `SELECT * ${replaced.length > 0 ? `REPLACE (${replaced.join(', ')})` : ''} FROM (${fresh})`
  const rows = `SELECT * FROM (${fitting}) WHERE ${where}`
  tell(`OVERWRITE WHERE ${where}: ${rows}`)
  const [gone, come] = [await mirror.matching(where), await mirror.number(`SELECT count(*) FROM (${rows})`)]
  await mirror.run(`DELETE FROM m WHERE ${where}; INSERT INTO m BY NAME ${rows}`)
  const { version } = await table.overwrite({ query: rows }, { where })
  expect(version).toBe(newest(life) + (gone + come > 0 ? 1 : 0))
  return version
}

async function optimize({ table, mirror }: Life): Promise<number> {
  const { version } = await table.optimize()
  expect(version - (mirror.versions.length - 1)).toBeLessThanOrEqual(1)
  return version
}

async function checkpoint(life: Life): Promise<number> {
  await life.table.checkpoint()
  return newest(life)
}

async function vacuum(life: Life): Promise<number> {
  const { deleted } = (await life.table.vacuum()) as unknown as { deleted?: number }
  expect(deleted ?? 0).toBe(0)
  return newest(life)
}

/** A verb that fails leaves nothing behind. */
async function fail(life: Life): Promise<number> {
  const { table, mirror, store, random } = life
  const [victim] = mirror.latest.rows
  if (!victim) return newest(life)
  const keys = async () => {
    const found: string[] = []
    for await (const { key } of store.list('')) found.push(key)
    return found.sort()
  }
  const before = await keys()
  const broken = `CASE WHEN uid = ${victim.uid} THEN ('no number' || uid)::INTEGER ELSE 0 END`
  const asTarget = broken.replaceAll('uid', 'target.uid')
  const source = { query: `SELECT uid::BIGINT AS uid FROM (VALUES (${victim.uid}), (-1)) AS s(uid)` }
  const verb = random.of([
    () => table.update({ set: { k: broken } }),
    () => table.delete({ where: `${broken} = 1` }),
    () => table.merge(source, { on: 'target.uid = source.uid', whenMatched: [{ update: { k: asTarget } }] }),
    () => table.merge(source, { on: `target.uid = source.uid AND ${asTarget} = 0`, whenMatched: [{ delete: true }] }),
    () =>
      table.merge(source, {
        on: 'target.uid = source.uid',
        whenMatched: [{ if: `${asTarget} = 0`, delete: true }],
        whenNotMatched: [{ insert: 'all' }],
      }),
    () => table.overwrite({ query: newRows(life, 2) }, { where: `uid = ${victim.uid}` }),
    () => table.append({ query: "SELECT 1::BIGINT AS uid, 'x' AS unknown_column" }),
  ])
  await expect(verb()).rejects.toMatchObject({ code: expect.stringMatching(/^[A-Z_]+$/) })
  expect(await keys()).toEqual(before)
  return newest(life)
}

async function alter(life: Life, tell: Tell): Promise<number> {
  const { mirror, table, random } = life
  const column = random.of(mirror.columns.slice(2).length > 0 ? mirror.columns.slice(2) : mirror.columns)
  const name = quoteIdentifier(column.name)
  const others = mirror.columns.filter((one) => one !== column)
  const movable = !mirror.partitionBy.includes(column.name) && !['uid', 'k'].includes(column.name)
  const fresh = newColumn(life)
  const commit = async (change: TableChange, sql: string, columns: readonly Column[]): Promise<number> => {
    tell(JSON.stringify(change))
    if (sql) await mirror.run(sql)
    mirror.columns = columns
    return (await table.alter(change)).version
  }
  const kind = random.below(5)
  if (kind === 0 && fresh && mirror.columns.length < 9)
    return commit(
      { add: { name: [fresh.name], type: fresh.type } },
      `ALTER TABLE m ADD COLUMN ${quoteIdentifier(fresh.name)} ${fresh.type}`,
      [...mirror.columns, fresh],
    )
  if (kind === 1 && movable && fresh) {
    const renamed = mirror.columns.map((one) => (one === column ? { ...one, name: fresh.name } : one))
    return commit(
      { rename: { name: [column.name], to: fresh.name } },
      `ALTER TABLE m RENAME COLUMN ${name} TO ${quoteIdentifier(fresh.name)}`,
      renamed,
    )
  }
  if (kind === 2 && movable && mirror.columns.length > 4)
    return commit({ drop: [column.name] }, `ALTER TABLE m DROP COLUMN ${name}`, others)
  if (kind === 3 && column.type === 'INTEGER' && movable) {
    const wider = mirror.columns.map((one) => (one === column ? { ...one, type: 'BIGINT' } : one))
    return commit({ widen: { name: [column.name], type: 'BIGINT' } }, `ALTER TABLE m ALTER COLUMN ${name} TYPE BIGINT`, wider)
  }
  if (kind === 4 && column !== mirror.columns[0]) return commit({ move: { name: [column.name], first: true } }, '', [column, ...others])
  return newest(life)
}

async function restore(life: Life, tell: Tell): Promise<number> {
  const { mirror, table, random } = life
  const version = random.below(mirror.versions.length)
  tell(`RESTORE ${version}`)
  await mirror.restore(version)
  return (await table.restore(version)).version
}

/** A name and a kind that the table does not have. */
function newColumn({ mirror, random }: Life): Column | undefined {
  const name = random.of(oddNames)
  const kind = random.of(kindNames)
  // A table without column mapping takes only plain names.
  const isPlain = !/[ ,;{}()\n\t=]/.test(name)
  const taken = mirror.versions.some(({ columns }) => columns.some((column) => column.name === name))
  return taken || !isPlain ? undefined : { name, kind, type: kinds[kind].type }
}

/** Rows to merge: new ones, no `k` twice; or by `uid`, some of the table's own with other values too. */
function sourceRows(life: Life, byUid: boolean): string {
  const { mirror, random } = life
  const names = mirror.columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  const uids =
    byUid && mirror.highest >= 0 ? [...new Set(Array.from({ length: random.below(4) }, () => random.below(mirror.highest + 1)))] : []
  const fresh = newRows(life, 1 + random.below(4))
  const again = uids.map((uid) => ` UNION ALL ${newRows({ random, mirror: { columns: mirror.columns, highest: uid - 1 } }, 1)}`)
  const all = `SELECT ${names} FROM (${fresh}${again.join('')})`
  return byUid ? all : `${all} QUALIFY k IS NULL OR row_number() OVER (PARTITION BY k ORDER BY uid) = 1`
}

/** Values for one or two columns other than `uid`. */
function randomSet({ mirror, random }: Life, prefix = ''): Record<string, string> {
  const columns = mirror.columns.filter(({ name }) => name !== 'uid')
  const chosen = [random.of(columns), random.of(columns)].slice(random.below(2))
  return Object.fromEntries(chosen.map((column) => [column.name, expression(column, mirror.columns, random, prefix)]))
}

/** The version of a verb that counts what it did: none where it did nothing. */
function counted(life: Life, result: CommitResult, counts: Readonly<Record<string, number>>): number {
  expect(result.metrics).toMatchObject(counts)
  const did = Object.values(counts).some((count) => count > 0)
  expect(result.version, 'the version of a verb that counts').toBe(newest(life) + (did ? 1 : 0))
  return result.version
}

/** All verbs, the frequent ones more often. */
export const verbs: readonly Verb[] = [
  append,
  append,
  append,
  append,
  appendAgain,
  remove,
  remove,
  remove,
  update,
  update,
  update,
  merge,
  merge,
  merge,
  upsert,
  upsert,
  overwrite,
  optimize,
  checkpoint,
  vacuum,
  fail,
  alter,
  restore,
]
