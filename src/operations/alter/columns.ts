/** Changes of columns: each takes a draft of the table to the next. */
import { SchemaError, UsageError } from '../../errors/index.ts'
import { describeType } from '../../schema/compare.ts'
import { type ColumnPath, findColumn, formatColumnPath, newColumnPath, typeAt } from '../../schema/evolve/column-path.ts'
import {
  addField,
  annotateField,
  dropField,
  isNullable,
  moveField,
  type Position,
  renameField,
  setNullable,
  widenField,
} from '../../schema/evolve/evolve.ts'
import { newField } from '../../schema/evolve/merge-schemas.ts'
import { field, struct } from '../../schema/schema-json.ts'
import type { DataType, StructField, StructType } from '../../schema/types.ts'
import { parseColumnType } from '../definition/column-list.ts'
import { needsMapping } from '../definition/column-mapping.ts'
import type { Asked, ColumnName, PlaceOptions } from './change.ts'
import { type Draft, mapped, type Step, withFeature, withSchema } from './draft.ts'
import { checkUnused } from './references.ts'
import { hasNull } from './row-checks.ts'

/** A new column, nullable throughout. */
export async function addColumn(draft: Draft, asked: Asked<'add'>): Promise<Step> {
  const path = newColumnPath(draft.schema, asked.name)
  const type = await typeOf(asked.type)
  const name = path.at(-1)!
  const column = { ...newField(field(name, type)), metadata: asked.comment ? { comment: asked.comment } : {} }
  const ground = needsMapping(struct(column)) ? mapped(draft) : draft
  const position = placeOf(asked)
  const schema = addField(ground.schema, path, column, position)
  return {
    draft: withSchema(ground, schema),
    operation: 'ADD COLUMNS',
    parameters: { columns: JSON.stringify([{ column: { ...column, name: formatColumnPath(path) }, ...placeText(position) }]) },
    words: `added ${formatColumnPath(path)} ${describeType(type)}`,
  }
}

/** Another name; the table's columns are mapped from then on, so that files keep theirs. */
export function renameColumn(draft: Draft, { name, to }: Asked<'rename'>): Step {
  const path = fieldPath(draft, name, 'has no name that could be changed')
  // The new name may be given with the whole path before it.
  const parent = formatColumnPath(path.slice(0, -1))
  const last = parent !== '' && to.startsWith(`${parent}.`) ? to.slice(parent.length + 1) : to
  const target = [...path.slice(0, -1), last]
  const step = {
    operation: 'RENAME COLUMN',
    parameters: { oldColumnPath: formatColumnPath(path), newColumnPath: formatColumnPath(target) },
    words: `renamed ${formatColumnPath(path)} to ${formatColumnPath(target)}`,
  }
  if (path.at(-1) === last) return { ...step, draft }
  checkUnused(draft, path, 'renamed')
  const ground = mapped(draft)
  const partitionColumns = ground.partitionColumns.map((column) => (path.length === 1 && column === path[0] ? last : column))
  return { ...step, draft: { ...withSchema(ground, renameField(ground.schema, path, last)), partitionColumns } }
}

/** A column less; the table's columns are mapped from then on, so that one of its name never finds its values. */
export function dropColumn(draft: Draft, name: ColumnName): Step {
  const path = fieldPath(draft, name, 'cannot be taken out')
  if (path.length === 1 && draft.partitionColumns.includes(path[0]!)) {
    throw new UsageError('COLUMN_IN_USE', `The column ${formatColumnPath(path)} cannot be dropped: the table is partitioned by it.`, {
      remedy: 'Write the rows to a new table without it.',
      data: { column: formatColumnPath(path), by: 'partitioning' },
    })
  }
  checkUnused(draft, path, 'dropped')
  const ground = mapped(draft)
  const schema = dropField(ground.schema, path)
  if (schema.fields.length === ground.partitionColumns.length) throw onlyPartitions(path)
  return {
    draft: withSchema(ground, schema),
    operation: 'DROP COLUMNS',
    parameters: { columns: JSON.stringify([formatColumnPath(path)]) },
    words: `dropped ${formatColumnPath(path)}`,
  }
}

/** A wider type; type widening is switched on. */
export async function widenColumn(draft: Draft, { name, type }: Asked<'widen'>): Promise<Step> {
  const path = findColumn(draft.schema, name)
  const [from, to] = [typeAt(draft.schema, path), await typeOf(type)]
  const schema = widenField(draft.schema, path, to)
  const words = `widened ${formatColumnPath(path)} from ${describeType(from)} to ${describeType(to)}`
  if (schema === draft.schema) return changed(draft, draft, path, words)
  checkUnused(draft, path, 'widened')
  checkWidening(draft, path, from)
  const widened = withFeature({ ...draft, schema }, 'typeWidening')
  return changed(draft, { ...widened, configuration: { ...draft.configuration, 'delta.enableTypeWidening': 'true' } }, path, words)
}

/** NULL is let in. */
export function nullableColumn(draft: Draft, name: ColumnName): Step {
  const path = findColumn(draft.schema, name)
  const schema = setNullable(draft.schema, path, true)
  return changed(draft, schema === draft.schema ? draft : { ...draft, schema }, path, `${formatColumnPath(path)} may be NULL`)
}

/** NULL is kept out; the rows that are there are to be checked. */
export function notNullColumn(draft: Draft, name: ColumnName): Step {
  const path = findColumn(draft.schema, name)
  const words = `${formatColumnPath(path)} is NOT NULL`
  if (!isNullable(draft.schema, path) && path.at(-1) !== 'key') return changed(draft, draft, path, words)
  const column = formatColumnPath(path)
  const strict = withFeature({ ...draft, schema: setNullable(draft.schema, path, false) }, 'invariants')
  const check = { draft, violated: hasNull(draft.schema, path), error: (rows: number) => hasNulls(column, rows) }
  return changed(draft, { ...strict, checks: [...draft.checks, check] }, path, words)
}

/** Words on a column. */
export function commentColumn(draft: Draft, { name, text }: Asked<'comment'>): Step {
  const path = fieldPath(draft, name, 'has no place for a comment')
  const schema = annotateField(draft.schema, path, { comment: text === '' ? undefined : text })
  return changed(draft, schema === draft.schema ? draft : { ...draft, schema }, path, `commented on ${formatColumnPath(path)}`)
}

/** Another place among its siblings. */
export function moveColumn(draft: Draft, asked: Asked<'move'>): Step {
  const path = fieldPath(draft, asked.name, 'has no place of its own')
  const position = placeOf(asked)
  if (position === undefined) {
    throw new UsageError('INVALID_ARGUMENT', `Where to move ${formatColumnPath(path)} is not said.`, {
      remedy: 'Move it first (--first), or after another column (--after NAME).',
    })
  }
  const schema = moveField(draft.schema, path, position)
  const where = position === 'first' ? 'to the first place' : `after ${position.after}`
  const moved = schema === draft.schema ? draft : { ...draft, schema }
  return changed(draft, moved, path, `moved ${formatColumnPath(path)} ${where}`, placeText(position))
}

/** The path of a field: of what has a name of its own. */
function fieldPath({ schema }: Draft, name: ColumnName, otherwise: string): ColumnPath {
  const path = findColumn(schema, name)
  const parent = typeAt(schema, path.slice(0, -1))
  if (typeof parent === 'object' && parent.type === 'struct') return path
  throw new UsageError('INVALID_ARGUMENT', `${formatColumnPath(path)} ${otherwise}: it is part of what an array or a map is.`, {
    remedy: 'Name a column, or a field of a struct.',
    data: { column: formatColumnPath(path) },
  })
}

/** A step of Spark's CHANGE COLUMN, whose history shows the field as it is then. */
function changed(before: Draft, draft: Draft, path: ColumnPath, words: string, more: Readonly<Record<string, string>> = {}): Step {
  const parent = typeAt(draft.schema, path.slice(0, -1))
  const shown: StructField | undefined =
    typeof parent === 'object' && parent.type === 'struct' ? parent.fields.find((one) => one.name === path.at(-1)) : undefined
  const parameters = {
    column: JSON.stringify(shown ?? { type: typeAt(draft.schema, path) }),
    ...(path.length > 1 ? { path: formatColumnPath(path) } : {}),
    ...more,
  }
  return { draft: draft === before ? before : draft, operation: 'CHANGE COLUMN', parameters, words }
}

/** A type that was asked for: Delta's, or text in DuckDB's words. @throws UsageError INVALID_SCHEMA, SchemaError UNSUPPORTED_TYPE */
export async function typeOf(type: DataType | string): Promise<DataType> {
  return typeof type === 'string' && !isDeltaName(type) ? parseColumnType(type) : (type as DataType)
}

/** Delta's own names of types that DuckDB does not have, or has for something else. */
function isDeltaName(type: string): boolean {
  return ['byte', 'short', 'timestamp_ntz'].includes(type)
}

function placeOf({ first, after }: PlaceOptions): Position | undefined {
  if (first === true && after !== undefined) {
    throw new UsageError('INVALID_ARGUMENT', 'A column is first or after another one.', { remedy: 'Give one of first and after.' })
  }
  if (first === true) return 'first'
  return after === undefined ? undefined : { after }
}

function placeText(position: Position | undefined): { position?: string } {
  if (position === undefined) return {}
  return { position: position === 'first' ? 'FIRST' : `AFTER ${position.after}` }
}

/** What is more to a column than its type may not survive another one. */
function checkWidening({ partitionColumns, schema }: Draft, path: ColumnPath, from: DataType): void {
  const parent = typeAt(schema, path.slice(0, -1)) as StructType
  const metadata = parent.type === 'struct' ? (parent.fields.find(({ name }) => name === path.at(-1))?.metadata ?? {}) : {}
  const special = ['delta.identity.step', 'delta.generationExpression'].find((key) => key in metadata)
  const why =
    special !== undefined
      ? 'its values are made by the table'
      : from === 'float' && partitionColumns.includes(path[0]!)
        ? 'the log holds the text of its values, which means another DOUBLE than FLOAT'
        : undefined
  if (why === undefined) return
  throw new SchemaError('TYPE_MISMATCH', `The column ${formatColumnPath(path)} cannot be widened: ${why}.`, {
    remedy: 'Add a column of the wider type, and fill it.',
    data: { column: formatColumnPath(path) },
  })
}

function hasNulls(column: string, rows: number): SchemaError {
  return new SchemaError(
    'NOT_NULL_VIOLATED',
    `The column ${column} cannot become NOT NULL: ${rows === 1 ? 'a row has' : `${rows} rows have`} NULL in it.`,
    {
      remedy: 'Fill the values in, or delete the rows, and run it again.',
      data: { column, rows },
    },
  )
}

function onlyPartitions(path: ColumnPath): UsageError {
  return new UsageError('INVALID_SCHEMA', `${formatColumnPath(path)} cannot be dropped: only partition columns would be left.`, {
    remedy: 'Add another column first.',
    data: { column: formatColumnPath(path) },
  })
}
