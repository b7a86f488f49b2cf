/**
 * `_metadata`: a column that every table has where a query names it, and that no star shows. It says of each row which file it comes
 * from, and with row tracking which row it is (§Row Tracking): the id and the version that its file materialised for it, else the
 * file's base row id plus the row's number in the file, and the file's default commit version. A table's own column of that name is the
 * table's.
 */
import { LogError, QueryError, UsageError } from '../../errors/index.ts'
import { canonicalPath } from '../../log/paths.ts'
import { quoteLiteral } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import { isOn } from '../../schema/switches.ts'
import type { StructField, StructType } from '../../schema/types.ts'
import { asciiLower, isNode, type Node, textOf, textsOf } from '../sql/ast.ts'
import type { QueryTarget } from '../target.ts'

/** The name of the column. */
export const metadataColumn = '_metadata'

/** What a relation makes the column from. */
export interface FileMetadata {
  readonly field: StructField
  /** The column's value for each file, in their order, as SQL; with row tracking as of the file's first row, where it materialised nothing. */
  readonly values: readonly string[]
  /** Where rows are told apart: the columns of files that ids and versions are materialised in. */
  readonly tracking: RowTracking | undefined
}

/** Names of columns in files; a table need not have them. */
export interface RowTracking {
  readonly rowId: string | undefined
  readonly rowCommitVersion: string | undefined
}

const fileFields: StructType['fields'] = [
  { name: 'file_path', type: 'string', nullable: false, metadata: {} },
  { name: 'file_name', type: 'string', nullable: false, metadata: {} },
  { name: 'file_size', type: 'long', nullable: false, metadata: {} },
  { name: 'file_modification_time', type: 'timestamp', nullable: false, metadata: {} },
]
const rowFields: StructType['fields'] = ['row_id', 'row_commit_version'].map((name) => ({
  name,
  type: 'long',
  nullable: false,
  metadata: {},
}))

/** The fields of the column that a statement names, `*` for the column itself; none where it does not name it. */
export function metadataFields(statement: Node): ReadonlySet<string> {
  const found = new Set<string>()
  visit(statement, (node) => {
    if (node.class !== 'COLUMN_REF') return
    const names = textsOf(node.column_names).map(asciiLower)
    const place = names.indexOf(metadataColumn)
    if (place >= 0) found.add(names[place + 1] ?? '*')
  })
  return found
}

/**
 * Keeps the column out of the stars of a statement whose base tables have it.
 * @throws QueryError SQL_REFUSED where columns are meant without a star or a name
 */
export function hideMetadata(statement: Node, tables: ReadonlySet<Node>): void {
  visit(statement, (node) => {
    if (textOf(node.ref_type) === 'NATURAL' || node.type === 'PIVOT') {
      throw new QueryError('SQL_REFUSED', `${metadataColumn} cannot be named in a query with a natural join or a pivot.`, {
        remedy: 'Name the columns to join by, or read the column in a subquery.',
      })
    }
    if (node.type !== 'SELECT_NODE') return
    const names = [...tableNames(node.from_table, tables)]
    if (names.length === 0) return
    visitSelect(node, (star) => {
      const relation = asciiLower(textOf(star.relation_name))
      const meant = names.filter((name) => relation === '' || asciiLower(name) === relation)
      if (star.class !== 'STAR' || isNode(star.expr) || meant.length === 0) return
      if (textsOf(star.exclude_list).some((name) => asciiLower(name) === metadataColumn)) return
      const excluded = meant.map((table) => ({ catalog: '', schema: '', table, column: metadataColumn }))
      star.qualified_exclude_list = [...(Array.isArray(star.qualified_exclude_list) ? star.qualified_exclude_list : []), ...excluded]
    })
  })
}

/** Whether the table has a column of that name. */
export function hasOwnMetadata({ schema }: Pick<QueryTarget, 'schema'>): boolean {
  return schema.fields.some(({ name }) => asciiLower(name) === metadataColumn)
}

/** @throws UsageError NO_ROW_TRACKING where ids or versions of rows are asked for and no table of the query tracks rows */
export function checkTracking(targets: readonly QueryTarget[], asked: ReadonlySet<string>): void {
  const field = rowFields.find(({ name }) => asked.has(name))
  if (field === undefined || targets.some(tracksRows)) return
  const roots = targets.map(({ store }) => store.root)
  throw new UsageError('NO_ROW_TRACKING', `${roots.join(', ')} does not track rows, so there is no ${metadataColumn}.${field.name}.`, {
    remedy: "Ask for it of a version with the property 'delta.enableRowTracking' = 'true'.",
    data: { tables: roots, field: field.name },
  })
}

/** The column for chosen files; `asked`: the fields that the query names. @throws LogError LOG_CORRUPT for a file without row ids where rows are tracked */
export async function fileMetadata(
  target: QueryTarget,
  files: readonly { readonly path: string; readonly size: number }[],
  asked: ReadonlySet<string>,
): Promise<FileMetadata> {
  const tracked = tracksRows(target) && [...rowFields.map(({ name }) => name), '*'].some((name) => asked.has(name))
  const type: StructType = { type: 'struct', fields: tracked ? [...fileFields, ...rowFields] : fileFields }
  const facts = await factsOf(target, files, tracked)
  const values = files.map(({ path, size }) => {
    const { modified, rowId, version } = facts.get(path)!
    const parts = [
      quoteLiteral(path),
      quoteLiteral(path.slice(path.lastIndexOf('/') + 1)),
      String(size),
      `make_timestamptz(${modified}000)`,
    ]
    if (tracked && (rowId === undefined || version === undefined)) throw untracked(target, path)
    return `CAST(row(${[...parts, ...(tracked ? [String(rowId), String(version)] : [])].join(', ')}) AS ${toSqlType(type)})`
  })
  const column = (name: string) => target.properties[`delta.rowTracking.${name}`]
  const tracking = { rowId: column('materializedRowIdColumnName'), rowCommitVersion: column('materializedRowCommitVersionColumnName') }
  return { field: { name: metadataColumn, type, nullable: false, metadata: {} }, values, tracking: tracked ? tracking : undefined }
}

interface Facts {
  readonly modified: bigint
  readonly rowId: bigint | undefined
  readonly version: bigint | undefined
}

/** What the list of files knows of them besides, by path. */
async function factsOf(target: QueryTarget, files: readonly { readonly path: string }[], tracked: boolean): Promise<Map<string, Facts>> {
  const { connection, relation } = await target.files()
  const columns = `path, modification_time${tracked ? ', base_row_id, default_row_commit_version' : ''}`
  const read = async (where: string, values?: readonly string[][]) => {
    const found = new Map<string, Facts>()
    for (const row of await connection.all(`SELECT ${columns} FROM ${relation} ${where}`, values)) {
      const number = (value: unknown) => (value === null || value === undefined ? undefined : BigInt(value as bigint))
      const facts = {
        modified: BigInt(row.modification_time as bigint),
        rowId: number(row.base_row_id),
        version: number(row.default_row_commit_version),
      }
      found.set(canonicalPath(String(row.path)), facts)
    }
    return found
  }
  const some = await read('WHERE path IN (SELECT unnest($1::VARCHAR[]))', [files.map(({ path }) => path)])
  // The list may spell a path otherwise.
  return files.every(({ path }) => some.has(path)) ? some : read('')
}

function tracksRows({ properties }: Pick<QueryTarget, 'properties'>): boolean {
  return isOn(properties, 'delta.enableRowTracking')
}

function untracked({ version, store }: QueryTarget, path: string): LogError {
  return new LogError('LOG_CORRUPT', `Version ${version} of ${store.root} tracks rows, and the file ${path} has no row ids.`, {
    remedy: 'Read without row ids and versions; ask whoever wrote this table.',
    data: { version, path, table: store.root },
  })
}

/** The names that base tables go by in a FROM clause. */
function* tableNames(from: unknown, tables: ReadonlySet<Node>): Generator<string> {
  if (!isNode(from)) return
  if (tables.has(from)) yield textOf(from.alias)
  if (from.type === 'JOIN') {
    yield* tableNames(from.left, tables)
    yield* tableNames(from.right, tables)
  }
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, see)
  if (!isNode(value)) return
  see(value)
  for (const child of Object.values(value)) visit(child, see)
}

/** The expressions of a SELECT, those of its subqueries left out. */
function visitSelect(select: Node, see: (node: Node) => void): void {
  const inside = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) inside(item)
    if (!isNode(value) || value.type === 'SELECT_NODE') return
    see(value)
    for (const child of Object.values(value)) inside(child)
  }
  for (const [name, value] of Object.entries(select)) if (name !== 'from_table' && name !== 'cte_map') inside(value)
}
