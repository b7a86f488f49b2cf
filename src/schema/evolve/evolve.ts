/**
 * Changes of a schema, each a pure function from one schema to the next. Columns are addressed by paths that
 * `column-path.ts` found. Metadata of fields goes along with them, so that ids and physical names (§Column Mapping) stay what they are.
 *
 * A function gives the schema itself back where it is so already. What a change means for data files, features and other parts of the
 * table is not looked at here.
 */
import { SchemaError, UsageError } from '../../errors/index.ts'
import { describeType, sameType } from '../compare.ts'
import type { ArrayType, DataType, MapType, StructField, StructType } from '../types.ts'
import { type ColumnPath, formatColumnPath, indexOfField, innermostField, typeAt } from './column-path.ts'
import { isWritableWidening } from './type-changes.ts'

/** Where among its siblings a column stands. */
export type Position = 'first' | { readonly after: string }

/** Adds a field in the struct that the path leads to. @throws SchemaError `DUPLICATE_COLUMN`, `TYPE_MISMATCH` where there is no struct; `UNKNOWN_COLUMN` for the position */
export function addField(schema: StructType, path: ColumnPath, field: StructField, position?: Position): StructType {
  return editFields(schema, path, (fields) => {
    checkFree(fields, path, field.name)
    return inserted(fields, path, field, position)
  })
}

/** Gives a field another name. @throws SchemaError `DUPLICATE_COLUMN`; UsageError `INVALID_ARGUMENT` for what has no name of its own */
export function renameField(schema: StructType, path: ColumnPath, to: string): StructType {
  return editField(schema, path, (field, siblings) => {
    if (field.name === to) return field
    checkFree(
      siblings.filter((one) => one !== field),
      path,
      to,
    )
    return { ...field, name: to }
  })
}

/** Takes a field out. @throws UsageError `INVALID_ARGUMENT` where it is the last of its struct, or no field */
export function dropField(schema: StructType, path: ColumnPath): StructType {
  return editFields(schema, path, (fields) => {
    if (fields.length === 1) throw wrong(`${formatColumnPath(path)} is the only column there; something must be left.`, path)
    return fields.filter((field) => field.name !== path.at(-1))
  })
}

/** Moves a field among its siblings. @throws SchemaError `UNKNOWN_COLUMN` for the position */
export function moveField(schema: StructType, path: ColumnPath, position: Position): StructType {
  return editFields(schema, path, (fields) => {
    const field = fieldOf(fields, path)
    const moved = inserted(
      fields.filter((one) => one !== field),
      path,
      field,
      position,
    )
    return moved.every((one, index) => one === fields[index]) ? fields : moved
  })
}

/** Sets and, with `undefined`, removes metadata of a field. */
export function annotateField(schema: StructType, path: ColumnPath, notes: Readonly<Record<string, unknown>>): StructType {
  return editField(schema, path, (field) => {
    const changed = Object.entries(notes).some(([key, value]) => field.metadata[key] !== value)
    if (!changed) return field
    const metadata = Object.entries({ ...field.metadata, ...notes }).filter(([, value]) => value !== undefined)
    return { ...field, metadata: Object.fromEntries(metadata) }
  })
}

/** Says whether NULL may stand in a field, an array's `element` or a map's `value`. @throws UsageError `INVALID_ARGUMENT` for a map's key, which never is NULL */
export function setNullable(schema: StructType, path: ColumnPath, nullable: boolean): StructType {
  return editParent(schema, path, (parent) => {
    if (parent.type === 'struct') {
      const field = fieldOf(parent.fields, path)
      return field.nullable === nullable ? parent : withFields(parent, replaced(parent.fields, field, { ...field, nullable }))
    }
    if (parent.type === 'array') return parent.containsNull === nullable ? parent : { ...parent, containsNull: nullable }
    if (path.at(-1) === 'key') throw wrong(`${formatColumnPath(path)} is the key of a map, which is never NULL.`, path)
    return parent.valueContainsNull === nullable ? parent : { ...parent, valueContainsNull: nullable }
  })
}

/** Whether NULL may stand there. */
export function isNullable(schema: StructType, path: ColumnPath): boolean {
  const parent = typeAt(schema, path.slice(0, -1)) as StructType | ArrayType | MapType
  if (parent.type === 'struct') return fieldOf(parent.fields, path).nullable
  return parent.type === 'array' ? parent.containsNull : path.at(-1) === 'value' && parent.valueContainsNull
}

/**
 * Gives a column of a plain type a wider one, and writes the change down in `delta.typeChanges` of its innermost field (§Type Widening).
 * @throws SchemaError `TYPE_MISMATCH` for a change that the protocol does not list
 */
export function widenField(schema: StructType, path: ColumnPath, to: DataType): StructType {
  const from = typeAt(schema, path)
  if (sameType(from, to, { ignoreNullability: true })) return schema
  if (typeof from !== 'string' || typeof to !== 'string' || !isWritableWidening(from, to)) throw noWidening(path, from, to)
  const length = innermostField(schema, path)
  const inside = path.slice(length)
  return editField(schema, path.slice(0, length), (field) => {
    const before = field.metadata[typeChanges]
    const change = { fromType: from, toType: to, ...(inside.length === 0 ? {} : { fieldPath: inside.join('.') }) }
    return {
      ...field,
      type: replacedIn(field.type, inside, to),
      metadata: { ...field.metadata, [typeChanges]: [...(Array.isArray(before) ? before : []), change] },
    }
  })
}

const typeChanges = 'delta.typeChanges'

type Nested = StructType | ArrayType | MapType

/** Changes what is around the last name of a path. */
function editParent(schema: StructType, path: ColumnPath, edit: (parent: Nested) => Nested): StructType {
  const parents = path.slice(0, -1)
  const change = (type: DataType, depth: number): DataType => {
    if (depth < parents.length) return mapChild(type as Nested, parents[depth]!, (child) => change(child, depth + 1))
    if (typeof type === 'string') throw noStruct(path, type)
    return edit(type)
  }
  return change(schema, 0) as StructType
}

function editFields(schema: StructType, path: ColumnPath, edit: (fields: readonly StructField[]) => readonly StructField[]): StructType {
  return editParent(schema, path, (parent) => {
    if (parent.type !== 'struct') throw noStruct(path, parent)
    return withFields(parent, edit(parent.fields))
  })
}

function editField(
  schema: StructType,
  path: ColumnPath,
  edit: (field: StructField, siblings: readonly StructField[]) => StructField,
): StructType {
  return editFields(schema, path, (fields) => {
    const field = fieldOf(fields, path)
    return replaced(fields, field, edit(field, fields))
  })
}

/** The type with one of the types inside it changed; itself where that stays the same. */
function mapChild(type: Nested, step: string, change: (child: DataType) => DataType): Nested {
  if (type.type === 'struct') {
    const field = type.fields.find(({ name }) => name === step)!
    const inner = change(field.type)
    return inner === field.type ? type : withFields(type, replaced(type.fields, field, { ...field, type: inner }))
  }
  const key = type.type === 'array' ? 'elementType' : step === 'key' ? 'keyType' : 'valueType'
  const before = (type as unknown as Record<string, DataType>)[key]!
  const inner = change(before)
  return inner === before ? type : { ...type, [key]: inner }
}

function replacedIn(type: DataType, inside: ColumnPath, to: DataType): DataType {
  const [step, ...rest] = inside
  return step === undefined ? to : mapChild(type as Nested, step, (child) => replacedIn(child, rest, to))
}

function inserted(
  fields: readonly StructField[],
  path: ColumnPath,
  field: StructField,
  position: Position | undefined,
): readonly StructField[] {
  if (position === undefined) return [...fields, field]
  if (position === 'first') return [field, ...fields]
  const parent = path.slice(0, -1)
  const own = formatColumnPath(parent)
  // A sibling may be named alone or by its whole path.
  const name = own !== '' && position.after.startsWith(`${own}.`) ? position.after.slice(own.length + 1) : position.after
  const index = indexOfField(fields, name)
  if (index < 0) {
    const names = fields.map((one) => one.name)
    throw new SchemaError('UNKNOWN_COLUMN', `There is no column ${position.after} beside ${formatColumnPath(path)}.`, {
      remedy: `Beside it are: ${names.join(', ')}.`,
      data: { column: position.after, columns: names },
    })
  }
  return [...fields.slice(0, index + 1), field, ...fields.slice(index + 1)]
}

function withFields(struct: StructType, fields: readonly StructField[]): StructType {
  return fields === struct.fields ? struct : { ...struct, fields }
}

function replaced(fields: readonly StructField[], field: StructField, by: StructField): readonly StructField[] {
  return by === field ? fields : fields.with(fields.indexOf(field), by)
}

function fieldOf(fields: readonly StructField[], path: ColumnPath): StructField {
  return fields.find(({ name }) => name === path.at(-1))!
}

function checkFree(fields: readonly StructField[], path: ColumnPath, name: string): void {
  const other = fields[indexOfField(fields, name)]
  if (other === undefined) return
  const columns = [other.name, name].map((one) => formatColumnPath([...path.slice(0, -1), one]))
  throw new SchemaError('DUPLICATE_COLUMN', `There is a column ${columns[0]} already.`, {
    remedy: 'Choose another name: Delta compares names without regard to case.',
    data: { columns },
  })
}

function noStruct(path: ColumnPath, type: DataType): UsageError {
  const parent = formatColumnPath(path.slice(0, -1))
  return wrong(`${parent} is ${describeType(type)}: only a struct has columns inside it.`, path)
}

function noWidening(path: ColumnPath, from: DataType, to: DataType): SchemaError {
  const [column, types] = [formatColumnPath(path), [describeType(from), describeType(to)]]
  return new SchemaError('TYPE_MISMATCH', `The column ${column} cannot be widened from ${types[0]} to ${types[1]}.`, {
    remedy:
      'Whole numbers widen to larger ones, to DOUBLE (not BIGINT) and to DECIMAL, FLOAT to DOUBLE, DATE to TIMESTAMP, DECIMAL to one with at least as many digits on both sides of the point. Else add a column and fill it.',
    data: { column, types },
  })
}

function wrong(message: string, path: ColumnPath): UsageError {
  return new UsageError('INVALID_ARGUMENT', message, { remedy: 'Name another column.', data: { column: formatColumnPath(path) } })
}
