/**
 * How a column is addressed: by name, and inside nested types by the names on the way, joined by dots: `address.zip`. What is inside an
 * array is its `element`, inside a map its `key` and its `value`: `tags.element.label`, `prices.value`. A name with a dot in it stands in
 * double quotes (or backticks), which are doubled inside.
 *
 * A top-level column whose whole name is the text, dots and all, comes before any path; quoting says that a path is meant.
 */
import { SchemaError, UsageError } from '../../errors/index.ts'
import type { DataType, StructField, StructType } from '../types.ts'

/** The names on the way to a column, spelled as the schema spells them once it was found. */
export type ColumnPath = readonly string[]

/** The parts of a path's text. @throws UsageError `INVALID_ARGUMENT` where it is none */
export function parseColumnPath(text: string): ColumnPath {
  const parts: string[] = []
  let rest = text
  for (;;) {
    const [whole, quoted, ticked, plain] = /^(?:"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|([^."`][^.]*))(?=\.|$)/.exec(rest) ?? []
    const part = quoted?.replaceAll('""', '"') ?? ticked?.replaceAll('``', '`') ?? plain
    if (whole === undefined || part === undefined || part === '') throw noPath(text)
    parts.push(part)
    if (whole.length === rest.length) return parts
    rest = rest.slice(whole.length + 1)
  }
}

/** A path as text that {@link parseColumnPath} reads as the same. */
export function formatColumnPath(path: ColumnPath): string {
  return path.map((part) => (/^[^."`]+$/.test(part) ? part : `"${part.replaceAll('"', '""')}"`)).join('.')
}

/**
 * Finds what a text or a list of names addresses, and gives its path in the schema's own spelling. Case does not matter, but an exact
 * spelling comes first.
 * @throws SchemaError `UNKNOWN_COLUMN`; UsageError `INVALID_ARGUMENT`
 */
export function findColumn(schema: StructType, column: string | ColumnPath): ColumnPath {
  if (typeof column === 'string') {
    const whole = schema.fields[indexOfField(schema.fields, column)]
    if (whole !== undefined) return [whole.name]
  }
  return canonical(schema, pathOf(column))
}

/**
 * The path that a new column gets: all but its last name must be there.
 * @throws SchemaError `UNKNOWN_COLUMN` for what it is to be inside of; UsageError `INVALID_ARGUMENT`
 */
export function newColumnPath(schema: StructType, column: string | ColumnPath): ColumnPath {
  const path = pathOf(column)
  return [...canonical(schema, path.slice(0, -1)), path.at(-1)!]
}

/** The place of the field that a name means, -1 where there is none. */
export function indexOfField(fields: readonly StructField[], name: string): number {
  const exact = fields.findIndex((field) => field.name === name)
  return exact >= 0 ? exact : fields.findIndex((field) => field.name.toLowerCase() === name.toLowerCase())
}

/** The type at a path that was found. */
export function typeAt(type: DataType, path: ColumnPath): DataType {
  return path.reduce((at: DataType, step) => childOf(at, step)!.type, type)
}

/** How many names of a path lead to its innermost field; those behind it lead into that field's arrays and maps. */
export function innermostField(schema: StructType, path: ColumnPath): number {
  let innermost = 0
  let type: DataType = schema
  for (const [index, step] of path.entries()) {
    if (typeof type === 'object' && type.type === 'struct') innermost = index + 1
    type = childOf(type, step)!.type
  }
  return innermost
}

function pathOf(column: string | ColumnPath): ColumnPath {
  const path = typeof column === 'string' ? parseColumnPath(column) : column
  if (!Array.isArray(path) || path.length === 0 || !path.every((part) => typeof part === 'string' && part !== ''))
    throw noPath(String(column))
  return path
}

function canonical(schema: StructType, path: ColumnPath): ColumnPath {
  const found: string[] = []
  let type: DataType = schema
  for (const step of path) {
    const child = childOf(type, step)
    if (child === undefined) throw unknown(found, step, type)
    found.push(child.name)
    type = child.type
  }
  return found
}

function childOf(type: DataType, step: string): { readonly name: string; readonly type: DataType } | undefined {
  if (typeof type === 'string') return undefined
  if (type.type === 'struct') return type.fields[indexOfField(type.fields, step)]
  const name = step.toLowerCase()
  if (type.type === 'array') return name === 'element' ? { name, type: type.elementType } : undefined
  if (name === 'key') return { name, type: type.keyType }
  return name === 'value' ? { name, type: type.valueType } : undefined
}

function unknown(parent: ColumnPath, step: string, type: DataType): SchemaError {
  const names =
    typeof type === 'string'
      ? []
      : type.type === 'struct'
        ? type.fields.map(({ name }) => name)
        : type.type === 'array'
          ? ['element']
          : ['key', 'value']
  const column = formatColumnPath([...parent, step])
  const inside = parent.length === 0 ? 'The columns' : `Inside ${formatColumnPath(parent)}`
  return new SchemaError('UNKNOWN_COLUMN', `There is no column ${column}.`, {
    remedy: names.length === 0 ? `${formatColumnPath(parent)} holds plain values; name it alone.` : `${inside} are: ${names.join(', ')}.`,
    data: { column, columns: names },
  })
}

function noPath(text: string): UsageError {
  return new UsageError('INVALID_ARGUMENT', `${JSON.stringify(text)} is no name of a column.`, {
    remedy: 'Write a name, or the names on the way to a nested one with dots between: address.zip. Quote a name that holds a dot: "a.b".',
    data: { column: text },
  })
}
