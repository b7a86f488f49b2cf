/**
 * The schema as the log writes it (§Schema Serialization Format): text to {@link StructType} and back, and the rules that a new
 * schema must keep. Metadata of fields goes through unchanged, whatever it holds.
 */
import { LosslessNumber, parse } from 'lossless-json'
import { LogError, SchemaError, UsageError } from '../errors/index.ts'
import { checkTypeChanges } from './evolve/type-changes.ts'
import { parseJson, stringifyJson } from './json.ts'
import { isValidName } from './quoting.ts'
import { decimalParts, decimalType } from './sql-type.ts'
import type { DataType, PrimitiveType, StructField, StructType } from './types.ts'

const primitives: ReadonlySet<string> = new Set([
  'string',
  'long',
  'integer',
  'short',
  'byte',
  'float',
  'double',
  'boolean',
  'binary',
  'date',
  'timestamp',
  'timestamp_ntz',
  'variant',
  'void',
])

/** Types in one another. Nobody's table comes near; the engine gives up where a few hundred are. */
export const deepest = 100

/**
 * Parses `metaData.schemaString`, and holds the table's partition columns against it. Without one the table has no columns, as its first
 * metadata may say before a schema is known.
 * @throws LogError `LOG_CORRUPT` where the text is no schema, or one that no table can have.
 * @throws SchemaError `UNSUPPORTED_TYPE` where it names a type that Varve does not know.
 * @throws UnsupportedFeatureError for a change of a type that the protocol does not list.
 */
export function parseSchema(schemaString: string | null | undefined, partitionColumns: readonly string[] = []): StructType {
  if (schemaString === undefined || schemaString === null) return struct()
  let json: unknown
  try {
    json = parseKeepingDoubles(schemaString)
  } catch (cause) {
    throw corrupt('it is not JSON', cause)
  }
  const type = readType(json, '')
  if (typeof type === 'string' || type.type !== 'struct') throw corrupt('its root is not a struct')
  for (const [at, name] of partitionColumns.entries()) {
    const column = type.fields.find((one) => one.name === name)
    if (typeof column?.type !== 'string') throw corrupt(`the partition column ${JSON.stringify(name)} is no plain column of it`)
    if (partitionColumns.indexOf(name) !== at) throw corrupt(`the table is partitioned twice by ${JSON.stringify(name)}`)
  }
  return type
}

/** The text that `metaData.schemaString` holds. */
export function writeSchema(schema: StructType): string {
  return stringifyJson(schema)
}

/** Makes a field. Defaults: nullable, no metadata. */
export function field(name: string, type: DataType, nullable = true, metadata: Readonly<Record<string, unknown>> = {}): StructField {
  return { name, type, nullable, metadata }
}

/** Makes a struct. */
export function struct(...fields: readonly StructField[]): StructType {
  return { type: 'struct', fields }
}

/**
 * Checks a schema and partition columns that are about to become a table's.
 * @throws SchemaError `DUPLICATE_COLUMN` where two names of one struct differ in case at most; `UNKNOWN_COLUMN` for a partition column that is not there.
 * @throws UsageError `INVALID_SCHEMA` for no columns at all, or none of a known type, a name that is empty or holds NUL, types that are nested too deep, and
 * partition columns that cannot be.
 */
export function checkSchema(schema: StructType, partitionColumns: readonly string[]): void {
  if (schema.fields.length === 0) throw invalid('A table needs at least one column.', '')
  // A file has no place for a column that has no type.
  if (schema.fields.every(({ type }) => type === 'void'))
    throw invalid('A table needs at least one column whose type is known.', schema.fields[0]!.name)
  checkNames(schema, '', 0)
  const byName = new Map(schema.fields.map((column) => [column.name, column]))
  const seen = new Set<string>()
  for (const name of partitionColumns) {
    const column = byName.get(name)
    if (column === undefined) {
      throw new SchemaError('UNKNOWN_COLUMN', `The partition column ${JSON.stringify(name)} is not a column of the table.`, {
        remedy: `Partition by one of: ${schema.fields.map((each) => each.name).join(', ')}.`,
        data: { column: name },
      })
    }
    if (seen.has(name)) throw duplicate(name, name)
    seen.add(name)
    if (typeof column.type !== 'string' || column.type === 'variant' || column.type === 'void') {
      throw invalid(`A partition column must be of a plain type; ${JSON.stringify(name)} is not.`, name)
    }
    // Spark's VACUUM takes a folder that begins with a partition column's name for data, and would empty `_varve`.
    if ('_varve'.startsWith(name.toLowerCase()))
      throw invalid(`A partition column may not be called ${JSON.stringify(name)}: Varve's own folder begins so.`, name)
  }
  if (seen.size === schema.fields.length) throw invalid('A table cannot be partitioned by all its columns.', partitionColumns[0]!)
}

function checkNames(type: DataType, parent: string, level: number): void {
  if (typeof type === 'string') return
  if (level >= deepest) throw invalid(`Types may be nested ${deepest} deep at most.`, parent.split('.')[0]!)
  if (type.type !== 'struct') {
    const inner = type.type === 'array' ? [type.elementType] : [type.keyType, type.valueType]
    for (const each of inner) checkNames(each, parent, level + 1)
    return
  }
  const names = new Map<string, string>()
  for (const child of type.fields) {
    if (!isValidName(child.name))
      throw invalid(
        `A column name may be neither empty nor hold NUL or half a surrogate pair: ${JSON.stringify(parent + child.name)}.`,
        child.name,
      )
    const key = child.name.toLowerCase()
    const other = names.get(key)
    if (other !== undefined) throw duplicate(parent + other, parent + child.name)
    names.set(key, child.name)
    checkNames(child.type, `${parent}${child.name}.`, level + 1)
  }
}

function readType(json: unknown, path: string, level = 0): DataType {
  if (level > deepest) throw corrupt(`its types are nested more than ${deepest} deep`)
  if (typeof json === 'string') return readPrimitive(json, path)
  const object = readObject(json, `the type of ${path || 'the table'}`)
  switch (object.type) {
    case 'struct': {
      const { fields } = object
      if (!Array.isArray(fields)) throw corrupt(`the struct ${path} has no fields`)
      return { ...object, type: 'struct', fields: distinct(fields.map((child) => readField(child, path, level + 1))) }
    }
    case 'array':
      return {
        ...object,
        type: 'array',
        elementType: readType(object.elementType, `${path}.element`, level + 1),
        containsNull: readFlag(object.containsNull, path),
      }
    case 'map':
      return {
        ...object,
        type: 'map',
        keyType: readType(object.keyType, `${path}.key`, level + 1),
        valueType: readType(object.valueType, `${path}.value`, level + 1),
        valueContainsNull: readFlag(object.valueContainsNull, path),
      }
    default:
      throw unsupported(String(object.type), path)
  }
}

/** Names of one struct are told apart without regard to case. */
function distinct(fields: readonly StructField[]): readonly StructField[] {
  const names = new Set<string>()
  for (const { name } of fields) {
    if (names.has(name.toLowerCase())) throw corrupt(`it has two fields called ${JSON.stringify(name)}`)
    names.add(name.toLowerCase())
  }
  return fields
}

function readField(json: unknown, parent: string, level: number): StructField {
  const object = readObject(json, `a field of ${parent || 'the table'}`)
  const { name } = object
  if (typeof name !== 'string' || !isValidName(name)) throw corrupt(`a field of ${parent || 'the table'} has no name that can be one`)
  const path = parent === '' ? name : `${parent}.${name}`
  const metadata = object.metadata === undefined ? {} : readObject(object.metadata, `the metadata of ${path}`)
  if ('delta.typeChanges' in metadata) checkTypeChanges(path, metadata['delta.typeChanges'])
  return { ...object, name, type: readType(object.type, path, level), nullable: readFlag(object.nullable, path), metadata }
}

function readPrimitive(name: string, path: string): PrimitiveType {
  if (primitives.has(name)) return name as PrimitiveType
  // Older writers leave spaces inside the parentheses, and Hive's bare `decimal` means (10,0); Spark 2 calls void `null`.
  if (name === 'decimal') return decimalType(10, 0)
  if (name === 'null') return 'void'
  const decimal = decimalParts(name.replaceAll(' ', '') as PrimitiveType)
  if (decimal === undefined) throw unsupported(name, path)
  if (decimal.precision < 1 || decimal.precision > 38 || decimal.scale > decimal.precision)
    throw corrupt(`${path} has the impossible type ${name}`)
  return decimalType(decimal.precision, decimal.scale)
}

function readFlag(json: unknown, path: string): boolean {
  if (json === undefined) return true
  if (typeof json !== 'boolean') throw corrupt(`${path} says neither true nor false about nulls`)
  return json
}

function readObject(json: unknown, what: string): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw corrupt(`${what} is not an object`)
  return json as Record<string, unknown>
}

/** Spark's metadata tells 1.0 from 1, and fails on the wrong one; so a number that JavaScript would respell is carried as its text. */
function parseKeepingDoubles(text: string): unknown {
  return /\d\.\d|\d[eE][-+\d]/.test(text) ? parse(text, undefined, readNumber) : parseJson(text)
}

function readNumber(text: string): unknown {
  const number = Number(text)
  if (String(number) === text) return number
  return /^-?\d+$/.test(text) ? BigInt(text) : new LosslessNumber(text)
}

function corrupt(why: string, cause?: unknown): LogError {
  return new LogError('LOG_CORRUPT', `The schema in the log cannot be read: ${why}.`, {
    remedy: 'Restore the commit that wrote it from a backup or a remote.',
    cause,
  })
}

function unsupported(name: string, path: string): SchemaError {
  return new SchemaError('UNSUPPORTED_TYPE', `The column ${path} is of the type ${name}, which Varve does not know.`, {
    remedy: 'Read the table with the engine that wrote it, or drop the column there.',
    data: { column: path, type: name },
  })
}

function invalid(message: string, column: string): UsageError {
  return new UsageError('INVALID_SCHEMA', message, { remedy: 'Change the columns or the partition columns.', data: { column } })
}

function duplicate(first: string, second: string): SchemaError {
  return new SchemaError(
    'DUPLICATE_COLUMN',
    `The column names ${JSON.stringify(first)} and ${JSON.stringify(second)} are the same but for case.`,
    {
      remedy: 'Rename one of them: Delta compares names without regard to case.',
      data: { columns: [first, second] },
    },
  )
}
