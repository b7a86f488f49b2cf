/** One table of a query, from its version to local files: those that the query's conditions leave, pinned while it runs. */
import { columnNaming, physicalName } from '../data/physical.ts'
import type { Constant, Predicate } from '../data/prune/predicate.ts'
import { mapPredicate } from '../data/prune/predicate.ts'
import { type ChosenFile, chooseFiles } from '../data/prune/prune.ts'
import type { Value } from '../engine/index.ts'
import { DataFileError, ObjectNotFoundError, QueryError, ValueError } from '../errors/index.ts'
import type { StructType } from '../schema/types.ts'
import { materialisePlaces, placeOf } from '../storage/index.ts'
import type { Pinned } from '../storage/object-store.ts'
import { asciiLower, type Node } from './ast.ts'
import { evaluateConstant } from './constants.ts'
import { withLiveRows } from './live-rows.ts'
import { fileDifferences } from './nested-names.ts'
import { filtersOf, type QueryPlan } from './plan.ts'
import { type RelationSource, relationSql } from './relation.ts'
import { type QueryTarget, withoutColumns } from './target.ts'
import { computedConstant, type FilterValue, parameterConstant } from './values.ts'
import type { TableUse } from './walk.ts'

/** A table of a query, ready to be read. */
export interface TableFiles {
  readonly target: QueryTarget
  readonly files: readonly ChosenFile[]
  readonly pinned: Pinned
  /** The folders that the local files lie under. */
  readonly folders: readonly string[]
  /** Whether the folders are the table's own, and not made for this query. */
  readonly lasting: boolean
  /** Whether the query names only some of the columns. */
  readonly narrowed: boolean
  /** Whether some rows of some files are left out. */
  readonly masked: boolean
  /** Physical rows of the files, `undefined` where the log does not say. */
  readonly rows: number | undefined
  /** The relation for a FROM clause: the columns that the query needs, or all; written as `form` says. */
  relation(everyColumn: boolean, form: Pick<RelationSource, 'listPaths' | 'bindValue' | 'asWritten'>): string
}

/** What a table's files are chosen by. */
export interface TableChoice {
  readonly plan: QueryPlan
  readonly table: TableUse
  readonly target: QueryTarget
  /** The schemas of all tables of the query. */
  readonly schemas: ReadonlyMap<Node, StructType>
  readonly values: Readonly<Record<string, Value>>
  readonly signal: AbortSignal | undefined
}

/** Chooses and pins the files, and reads their deletion vectors. @throws DataFileError DATA_FILE_MISSING, VECTOR_CORRUPT, PATH_OUTSIDE_ROOT */
export async function chooseTable({ plan, table, target, schemas, values, signal }: TableChoice): Promise<TableFiles> {
  const { schema, partitionColumns, properties, store } = target
  if (schema.fields.length === 0) throw withoutColumns(target)
  const naming = columnNaming(properties)
  const predicate = await predicateFor(plan, table, schemas, values)
  const list = await target.files()
  const files = await chooseFiles(list, { schema, partitionColumns, physicalName: (field) => physicalName(field, naming) }, predicate)
  const pinned = await pin(target, files, signal)
  const columns = neededColumns(plan, schema)
  const [nested, live] = await Promise.all([
    fileDifferences(list.connection, target, columns, pinned.paths),
    withLiveRows(target, files, pinned.paths, list.connection, signal),
  ]).catch(async (error: unknown) => {
    await pinned.release()
    throw error
  })
  return {
    target,
    files,
    pinned,
    folders: pinned.folders,
    lasting: store.kind === 'local',
    narrowed: columns !== undefined,
    masked: live.some(({ rows }) => rows !== undefined),
    rows: files.reduce<number | undefined>(
      (sum, { numRecords }) => (sum === undefined || numRecords === undefined ? undefined : sum + numRecords),
      0,
    ),
    relation: (everyColumn, form) =>
      relationSql({
        schema,
        partitionColumns,
        properties,
        files: live,
        paths: pinned.paths,
        nested,
        ...form,
        columns: everyColumn ? undefined : columns,
      }),
  }
}

async function predicateFor(
  plan: QueryPlan,
  table: TableUse,
  schemas: ReadonlyMap<Node, StructType>,
  values: Readonly<Record<string, Value>>,
): Promise<Predicate | undefined> {
  const filters = filtersOf(plan, table, (node) => schemas.get(node))
  if (filters.length === 0) return undefined
  const expressions: Extract<FilterValue, { kind: 'expression' }>[] = []
  const all = { op: 'and', terms: filters } as const
  mapPredicate(
    all,
    (column) => ({ kind: 'column', column }),
    (value) => value.kind === 'expression' && expressions.push(value),
  )
  const computed = new Map<FilterValue, Constant>()
  await Promise.all(
    expressions.map(async (value) => {
      computed.set(value, await computedOrUnknown(value.node, values))
    }),
  )
  return mapPredicate(
    all,
    (column) => ({ kind: 'column', column }),
    (value) => {
      if (value.kind === 'constant') return value.constant
      return value.kind === 'parameter' ? parameterConstant(values[value.name]) : computed.get(value)
    },
  )
}

/** What cannot be computed chooses nothing; the query itself says what is wrong with it. */
async function computedOrUnknown(node: Node, values: Readonly<Record<string, Value>>): Promise<Constant> {
  try {
    const { type, text } = await evaluateConstant(node, values)
    return computedConstant(type, text)
  } catch (error) {
    if (error instanceof QueryError || error instanceof ValueError) return undefined
    throw error
  }
}

function neededColumns({ names }: QueryPlan, schema: StructType): ReadonlySet<string> | undefined {
  if (names === undefined) return undefined
  return new Set(schema.fields.filter((field) => names.has(asciiLower(field.name))).map((field) => field.name))
}

/** @throws DataFileError DATA_FILE_MISSING, PATH_OUTSIDE_ROOT */
async function pin({ store, version }: QueryTarget, files: readonly ChosenFile[], signal: AbortSignal | undefined) {
  try {
    return await materialisePlaces(
      files.map(({ path }) => placeOf(store, path)),
      { signal },
    )
  } catch (error) {
    if (!(error instanceof ObjectNotFoundError)) throw error
    const path = String(error.data.key ?? '')
    throw new DataFileError('DATA_FILE_MISSING', `The data file ${path} of version ${version} of ${store.root} is missing.`, {
      remedy: 'Restore the file from a copy.',
      data: { path, version, table: store.root },
      cause: error,
    })
  }
}
