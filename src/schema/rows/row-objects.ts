/**
 * Reading properties of objects that users give: which objects are records, which properties are columns, and their values, without
 * ever taking what stands on a prototype of the language for a value.
 */
import { SchemaError, ValueError } from '../../errors/index.ts'
import type { StructField } from '../types.ts'
import { show } from './coerce.ts'

/** A row: a property for each column. Plain objects, and instances of classes; a Map or an array is no row. */
export type Row = Record<string, unknown>

/** A value taken for a record. */
export type RecordLike = Readonly<Record<string, unknown>>

/** Whether a value is an object with properties: a plain one or an instance of a class, and none of the language's own kinds. */
export function isRecord(value: unknown): value is RecordLike {
  if (typeof value !== 'object' || value === null) return false
  if (isPlain(value)) return true
  return !Array.isArray(value) && !ArrayBuffer.isView(value) && !foreignKinds.has(Object.prototype.toString.call(value))
}

/** A row that must be a record. @throws ValueError `INVALID_VALUE` */
export function checkRecord(value: unknown, row: number): RecordLike {
  if (isRecord(value)) return value
  throw new ValueError('INVALID_VALUE', `Row ${row} is ${show(value)}, not an object with a property for each column.`, {
    remedy: 'Give rows as plain objects, such as { id: 1 }; turn a Map into one with Object.fromEntries.',
    data: { row },
  })
}

/** The names of the properties that a record brings along, `undefined` ones left out. */
export function keysOf(record: RecordLike): string[] {
  return Object.keys(record).filter((key) => own(record, key) !== undefined)
}

/** The value under a name: the record's own, or what a getter of its class gives; never a method, nor what all objects have. */
export function own(record: RecordLike, name: string): unknown {
  if (Object.hasOwn(record, name)) return record[name]
  if (isPlain(record) || name in Object.prototype) return undefined
  const value = record[name]
  return typeof value === 'function' ? undefined : value
}

/**
 * The values of each field, a column at a time. `records` may hold null for a struct that is NULL.
 * @param rowAt The row that an index stands for, for messages.
 * @throws SchemaError `UNKNOWN_COLUMN` for a property that is no field, `DUPLICATE_COLUMN` for two that are one field.
 */
export function columnsOf(
  records: readonly (RecordLike | null)[],
  fields: readonly StructField[],
  parent: string,
  rowAt: (index: number) => number,
): unknown[][] {
  const { plain, spellings } = survey(records, fields, parent, rowAt)
  return fields.map(({ name }, column) => {
    const values: unknown[] = new Array(records.length)
    const others = spellings.get(column)
    const direct = plain && others === undefined && !(name in Object.prototype)
    for (let index = 0; index < records.length; index++) {
      const record = records[index]
      if (record === null || record === undefined) values[index] = null
      else if (direct) values[index] = record[name]
      else values[index] = others === undefined ? own(record, name) : oneOf(record, [name, ...others], parent, rowAt(index))
    }
    return values
  })
}

const foreignKinds = new Set(
  [
    'Map',
    'Set',
    'WeakMap',
    'WeakSet',
    'Date',
    'RegExp',
    'Promise',
    'ArrayBuffer',
    'SharedArrayBuffer',
    'String',
    'Number',
    'Boolean',
    'Error',
  ].map((kind) => `[object ${kind}]`),
)

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Looks at every property once: finds unknown ones, and columns that some row spells in another case. */
function survey(
  records: readonly (RecordLike | null)[],
  fields: readonly StructField[],
  parent: string,
  rowAt: (index: number) => number,
): { plain: boolean; spellings: ReadonlyMap<number, ReadonlySet<string>> } {
  const known = new Set(fields.map((field) => field.name))
  const spellings = new Map<number, Set<string>>()
  let plain = true
  for (let index = 0; index < records.length; index++) {
    const record = records[index]
    if (record === null || record === undefined) continue
    plain &&= isPlain(record)
    for (const key of Object.keys(record)) {
      if (known.has(key) || own(record, key) === undefined) continue
      const column = fields.findIndex((field) => field.name.toLowerCase() === key.toLowerCase())
      if (column < 0) throw unknownColumn(parent + key, rowAt(index), fields)
      const others = spellings.get(column) ?? new Set()
      spellings.set(column, others.add(key))
    }
  }
  return { plain, spellings }
}

function oneOf(record: RecordLike, names: readonly string[], parent: string, row: number): unknown {
  const given = names.filter((name) => own(record, name) !== undefined)
  if (given.length > 1) {
    throw new SchemaError(
      'DUPLICATE_COLUMN',
      `Row ${row} has both ${given.map((name) => JSON.stringify(parent + name)).join(' and ')}, which are one column.`,
      {
        remedy: 'Leave one of them out: Delta compares names without regard to case.',
        data: { columns: given, row },
      },
    )
  }
  return given.length === 0 ? undefined : own(record, given[0]!)
}

function unknownColumn(name: string, row: number, fields: readonly StructField[]): SchemaError {
  return new SchemaError('UNKNOWN_COLUMN', `Row ${row} has ${JSON.stringify(name)}, which is not a column.`, {
    remedy: `The columns are: ${fields.map((field) => field.name).join(', ')}. Leave it out, or append with mergeSchema to add it.`,
    data: { column: name, row },
  })
}
