/**
 * The life of a table: one list of verbs by Varve, one by Spark and one by Varve again, each with what it does to a plain list of rows, and
 * the tables that go through it. A feature that a table has must not change what its rows become.
 */
import { Table } from '../../src/index.ts'
import type { Canonical, CanonicalRow } from './peers/canonical.ts'
import { spark } from './peers/peer.ts'

/** A row of the model. */
export interface ModelRow {
  readonly id: number
  readonly p: string | null
  readonly n: number
  readonly label: string
}

type Model = readonly ModelRow[]

/** A change of a table, and of the model. `versions`: those of the steps before it, by their names. */
export interface Step {
  readonly name: string
  /** What a history calls it. */
  readonly operation: string
  run(path: string, versions: ReadonlyMap<string, number>): Promise<unknown>
  becomes(rows: Model, before: ReadonlyMap<string, Model>): Model
}

/** A table that lives. */
export interface LifeCase {
  readonly name: string
  readonly by: 'Varve' | 'Spark'
  /** Makes it, without rows. */
  create(path: string): Promise<unknown>
  /** Changes its columns once it has rows, by {@link LifeCase.by}; the rows stay as they are. */
  alter?(path: string): Promise<unknown>
  /** Columns behind the four of the model; `seq`, which counts, is left out. */
  readonly derived?: (row: ModelRow) => CanonicalRow
  readonly changeFeed?: boolean
  readonly rowTracking?: boolean
  /** delta-rs has all of its features. */
  readonly forDeltaRs?: boolean
  /** Spark allows no z-order on a clustered table. */
  readonly clustered?: boolean
}

const partitions = ['a/b', 'a%2Fb', 'ü😀', `q"uo'te`, 'a b ', null] as const
const texts = partitions.map((text) => (text === null ? 'NULL' : `'${text.replaceAll("'", "''")}'`))
const sparkTexts = texts.map((text) => text.replaceAll("''", "\\'"))

const baseRows = (from: number, to: number): ModelRow[] =>
  Array.from({ length: to - from }, (_, at) => from + at).map((id) => ({ id, p: partitions[id % 6]!, n: id % 10, label: `r${id}` }))

const open = (path: string): Promise<Table> => Table.open(path)
const at = (path: string): string => `delta.\`${path}\``

/** Loads, so many of them that the rows deleted later need a vector file: by either engine. */
export const loads: Readonly<Record<LifeCase['by'], readonly Step[]>> = {
  Varve: [
    {
      name: 'load',
      operation: 'WRITE',
      run: async (path) =>
        (await open(path)).append({
          query: `SELECT i::BIGINT AS id, [${texts}][i % 6 + 1]::VARCHAR AS p, (i % 10)::INTEGER AS n, ('r' || i)::VARCHAR AS label FROM range(600) t(i)`,
        }),
      becomes: () => baseRows(0, 600),
    },
    {
      name: 'append',
      operation: 'WRITE',
      run: async (path) => (await open(path)).append(baseRows(600, 606).map((row) => ({ ...row }))),
      becomes: (rows) => [...rows, ...baseRows(600, 606)],
    },
  ],
  Spark: [
    {
      name: 'load',
      operation: 'WRITE',
      run: (path) =>
        spark.sql(`INSERT INTO ${at(path)} (id, p, n, label)
          SELECT id, element_at(array(${sparkTexts}), CAST(id % 6 + 1 AS INT)), CAST(id % 10 AS INT), concat('r', id) FROM range(606)`),
      becomes: () => baseRows(0, 606),
    },
  ],
}

/** Each verb of ours, most of them on what an earlier one left. */
export const ours = ({ clustered }: LifeCase): readonly Step[] => [
  {
    name: 'delete a little',
    operation: 'DELETE',
    run: async (path) => (await open(path)).delete({ where: 'id = 1 OR id = 601' }),
    becomes: (rows) => rows.filter(({ id }) => id !== 1 && id !== 601),
  },
  {
    name: 'delete much',
    operation: 'DELETE',
    run: async (path) => (await open(path)).delete({ where: 'id % 3 = 0' }),
    becomes: (rows) => rows.filter(({ id }) => id % 3 !== 0),
  },
  {
    name: 'update',
    operation: 'UPDATE',
    run: async (path) =>
      (await open(path)).update({
        set: { n: 'n + 100', label: "label || '!'", p: "CASE WHEN id % 2 = 0 THEN 'x=y' ELSE p END" },
        where: 'id % 5 = 1',
      }),
    becomes: (rows) =>
      rows.map((row) => (row.id % 5 === 1 ? { ...row, n: row.n + 100, label: `${row.label}!`, p: row.id % 2 === 0 ? 'x=y' : row.p } : row)),
  },
  {
    name: 'merge',
    operation: 'MERGE',
    run: async (path) =>
      (await open(path)).merge(
        { query: `SELECT i::BIGINT AS id, ('m' || i)::VARCHAR AS label, (i % 4)::INTEGER AS kind FROM range(500, 640) t(i)` },
        {
          on: 'target.id = source.id',
          whenMatched: [
            { if: 'source.kind = 0', delete: true },
            { if: 'source.kind = 1', update: { n: '-target.n', label: 'source.label' } },
            { update: { label: 'target.label || source.label' } },
          ],
          whenNotMatched: [{ if: 'source.kind = 2', insert: { id: 'source.id', p: "'new'", n: '1000', label: 'source.label' } }],
          whenNotMatchedBySource: [
            { if: 'target.id < 20', delete: true },
            { if: 'target.id <= 40', update: { label: "'lonely'" } },
          ],
        },
      ),
    becomes: (rows) => {
      const there = new Set(rows.map(({ id }) => id))
      const changed = rows.flatMap((row): ModelRow[] => {
        const { id } = row
        if (id < 500) return id < 20 ? [] : [id <= 40 ? { ...row, label: 'lonely' } : row]
        if (id % 4 === 0) return []
        return [id % 4 === 1 ? { ...row, n: -row.n, label: `m${id}` } : { ...row, label: `${row.label}m${id}` }]
      })
      const inserted = Array.from({ length: 140 }, (_, i) => 500 + i).filter((id) => id % 4 === 2 && !there.has(id))
      return [...changed, ...inserted.map((id) => ({ id, p: 'new', n: 1000, label: `m${id}` }))]
    },
  },
  {
    name: 'overwrite',
    operation: 'WRITE',
    run: async (path) =>
      (await open(path)).overwrite(
        { query: `SELECT i::BIGINT AS id, 'over' AS p, 500::INTEGER AS n, 'o' AS label FROM range(700, 710) t(i)` },
        { where: 'n > 104' },
      ),
    becomes: (rows) => [
      ...rows.filter(({ n }) => n <= 104),
      ...Array.from({ length: 10 }, (_, i) => ({ id: 700 + i, p: 'over', n: 500, label: 'o' })),
    ],
  },
  {
    name: 'optimize',
    operation: 'OPTIMIZE',
    run: async (path) => (await open(path)).optimize(),
    becomes: (rows) => rows,
  },
  ...(clustered
    ? []
    : [
        {
          name: 'zorder',
          operation: 'OPTIMIZE',
          run: async (path: string) => (await open(path)).optimize({ zorder: ['n', 'id'] }),
          becomes: (rows: Model) => rows,
        },
      ]),
  {
    name: 'upsert',
    operation: 'MERGE',
    run: async (path) =>
      (await open(path)).upsert(
        [704, 705, 802].map((id) => ({ id, p: 'up', n: id, label: `u${id}` })),
        { key: 'id' },
      ),
    becomes: (rows) => [
      ...rows.filter(({ id }) => ![704, 705].includes(id)),
      ...[704, 705, 802].map((id) => ({ id, p: 'up', n: id, label: `u${id}` })),
    ],
  },
  {
    name: 'delete a partition',
    operation: 'DELETE',
    run: async (path) => (await open(path)).delete({ where: "p = 'a%2Fb'" }),
    becomes: (rows) => rows.filter(({ p }) => p !== 'a%2Fb'),
  },
  {
    name: 'restore',
    operation: 'RESTORE',
    run: async (path, versions) => (await open(path)).restore(versions.get('merge')!),
    becomes: (_, before) => before.get('merge')!,
  },
  {
    name: 'update again',
    operation: 'UPDATE',
    run: async (path) => (await open(path)).update({ set: { label: "'end'" }, where: 'id % 7 = 0' }),
    becomes: (rows) => rows.map((row) => (row.id % 7 === 0 ? { ...row, label: 'end' } : row)),
  },
]

/** Spark's verbs on what ours left. */
export const theirs: readonly Step[] = [
  {
    name: 'delete by Spark',
    operation: 'DELETE',
    run: (path) => spark.sql(`DELETE FROM ${at(path)} WHERE id % 11 = 2`),
    becomes: (rows) => rows.filter(({ id }) => id % 11 !== 2),
  },
  {
    name: 'update by Spark',
    operation: 'UPDATE',
    run: (path) => spark.sql(`UPDATE ${at(path)} SET n = n + 1, label = concat(label, '~') WHERE id % 4 = 2`),
    becomes: (rows) => rows.map((row) => (row.id % 4 === 2 ? { ...row, n: row.n + 1, label: `${row.label}~` } : row)),
  },
  {
    name: 'merge by Spark',
    operation: 'MERGE',
    run: (path) =>
      spark.sql(`MERGE INTO ${at(path)} t
        USING (SELECT id, concat('s', id) AS label FROM range(540, 560) UNION ALL SELECT id, 's' FROM range(900, 905)) s ON t.id = s.id
        WHEN MATCHED AND s.id % 2 = 0 THEN DELETE
        WHEN MATCHED THEN UPDATE SET label = s.label
        WHEN NOT MATCHED AND s.id >= 900 THEN INSERT (id, p, n, label) VALUES (s.id, 'spark', 1, s.label)`),
    becomes: (rows) => [
      ...rows
        .filter(({ id }) => id < 540 || id >= 560 || id % 2 !== 0)
        .map((row) => (row.id >= 540 && row.id < 560 ? { ...row, label: `s${row.id}` } : row)),
      ...Array.from({ length: 5 }, (_, i) => ({ id: 900 + i, p: 'spark', n: 1, label: 's' })),
    ],
  },
  {
    name: 'optimize by Spark',
    operation: 'OPTIMIZE',
    run: (path) => spark.sqlRetried([`OPTIMIZE ${at(path)}`]),
    becomes: (rows) => rows,
  },
  {
    name: 'restore by Spark',
    operation: 'RESTORE',
    run: (path, versions) => spark.sqlRetried([`RESTORE TABLE ${at(path)} TO VERSION AS OF ${versions.get('update by Spark')}`]),
    becomes: (_, before) => before.get('update by Spark')!,
  },
]

/** Our verbs on what Spark's left. */
export const oursAgain: readonly Step[] = [
  {
    name: 'update after Spark',
    operation: 'UPDATE',
    run: async (path) => (await open(path)).update({ set: { n: 'n + 7' }, where: "label LIKE '%~' OR id % 17 = 3" }),
    becomes: (rows) => rows.map((row) => (row.label.endsWith('~') || row.id % 17 === 3 ? { ...row, n: row.n + 7 } : row)),
  },
  {
    name: 'delete after Spark',
    operation: 'DELETE',
    run: async (path) => (await open(path)).delete({ where: 'id % 13 = 5' }),
    becomes: (rows) => rows.filter(({ id }) => id % 13 !== 5),
  },
  {
    name: 'merge after Spark',
    operation: 'MERGE',
    run: async (path) =>
      (await open(path)).merge(
        { query: `SELECT i::BIGINT AS id, 'late' AS label FROM range(100, 1000, 50) t(i)` },
        {
          on: 'target.id = source.id',
          whenMatched: [{ if: 'source.id >= 500', delete: true }, { update: 'all' }],
          whenNotMatched: [{ if: 'source.id > 910', insert: { id: 'source.id', n: '0', label: 'source.label' } }],
        },
      ),
    becomes: (rows) => [
      ...rows.flatMap((row) => {
        if (row.id % 50 !== 0 || row.id < 100) return [row]
        return row.id >= 500 ? [] : [{ ...row, label: 'late' }]
      }),
      { id: 950, p: null, n: 0, label: 'late' },
    ],
  },
]

const columns = 'id BIGINT, p VARCHAR, n INTEGER, label VARCHAR'
const sparkColumns = 'id BIGINT, p STRING, n INT, label STRING'
const feed = { 'delta.enableChangeDataFeed': 'true' }
const ruled = ({ id }: ModelRow): CanonicalRow => [
  ['twice', `int:${id * 2}`],
  ['tag', "str:it's"],
]

const createBySpark = (path: string, definition: string, properties: Readonly<Record<string, string>>, more = '') =>
  spark.sql(
    `CREATE TABLE ${at(path)} (${definition}) USING delta ${more} TBLPROPERTIES (${Object.entries(properties).map(([key, value]) => `'${key}' = '${value}'`)})`,
  )

/** The tables. */
export const lifeCases: readonly LifeCase[] = [
  {
    name: 'partitions with odd values',
    by: 'Varve',
    create: (path) => Table.create(path, { schema: columns, partitionBy: ['p'] }),
    forDeltaRs: true,
  },
  {
    name: 'mapped, widened, with a change feed',
    by: 'Varve',
    create: (path) =>
      Table.create(path, {
        schema: 'id INTEGER, p VARCHAR, n SMALLINT, label VARCHAR',
        properties: { 'delta.columnMapping.mode': 'name', ...feed },
      }),
    alter: async (path) => (await open(path)).alter([{ widen: { name: 'n', type: 'INTEGER' } }, { widen: { name: 'id', type: 'BIGINT' } }]),
    changeFeed: true,
  },
  {
    name: 'preset wide, without vectors, partitions and a change feed',
    by: 'Varve',
    create: (path) => Table.create(path, { schema: columns, partitionBy: ['p'], preset: 'wide', properties: feed }),
    forDeltaRs: true,
    changeFeed: true,
  },
  {
    name: 'row tracking with a change feed',
    by: 'Varve',
    create: (path) => Table.create(path, { schema: columns, properties: { 'delta.enableRowTracking': 'true', ...feed } }),
    changeFeed: true,
    rowTracking: true,
  },
  {
    name: 'constraint, generated, default and identity columns with a change feed',
    by: 'Varve',
    create: async (path) => {
      const table = await Table.create(path, { schema: columns, properties: feed })
      await table.alter([
        { addConstraint: { name: 'bounded', expression: 'n > -1000 AND id >= 0' } },
        { generated: { name: 'twice', type: 'BIGINT', expression: 'id * 2' } },
        { add: { name: 'tag', type: 'VARCHAR' } },
        { default: { name: 'tag', expression: "'it''s'" } },
        { identity: { name: 'seq', start: 5, step: 3 } },
      ])
    },
    derived: ruled,
    changeFeed: true,
  },
  {
    name: 'partitions and vectors',
    by: 'Spark',
    create: (path) => createBySpark(path, sparkColumns, { 'delta.enableDeletionVectors': 'true', ...feed }, 'PARTITIONED BY (p)'),
    changeFeed: true,
  },
  {
    name: 'mapped and widened, row tracking and clustering',
    by: 'Spark',
    create: (path) =>
      createBySpark(
        path,
        'id BIGINT, p STRING, n SMALLINT, label STRING',
        { 'delta.columnMapping.mode': 'name', 'delta.enableTypeWidening': 'true', 'delta.enableRowTracking': 'true' },
        'CLUSTER BY (id)',
      ),
    alter: (path) => spark.sql(`ALTER TABLE ${at(path)} CHANGE COLUMN n TYPE INT`),
    rowTracking: true,
    clustered: true,
  },
  {
    name: 'constraint, generated, default and identity columns with a change feed',
    by: 'Spark',
    create: async (path) => {
      await createBySpark(
        path,
        `${sparkColumns}, twice BIGINT GENERATED ALWAYS AS (id * 2), tag STRING DEFAULT 'it\\'s', seq BIGINT GENERATED ALWAYS AS IDENTITY (START WITH 5 INCREMENT BY 3)`,
        { 'delta.feature.allowColumnDefaults': 'supported', ...feed },
      )
      await spark.sql(`ALTER TABLE ${at(path)} ADD CONSTRAINT bounded CHECK (n > -1000 AND id >= 0)`)
    },
    derived: ruled,
    changeFeed: true,
  },
]

const textOf = (text: string | null): Canonical => (text === null ? null : `str:${text}`)

/** The rows of the model as they must be read. */
export function canonicalModel(rows: Model, { derived }: LifeCase): CanonicalRow[] {
  return rows.map((row) => [
    ['id', `int:${row.id}`],
    ['p', textOf(row.p)],
    ['n', `int:${row.n}`],
    ['label', textOf(row.label)],
    ...(derived?.(row) ?? []),
  ])
}
