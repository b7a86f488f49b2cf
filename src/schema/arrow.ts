/**
 * Delta's types as Arrow's, and Arrow's as Delta's. Out, the mapping is fixed: every batch that Varve gives has the Arrow types
 * that `toArrowSchema` names. In, other Arrow types are taken where Delta has one that holds all their values.
 *
 * Arrow objects may come from another copy of apache-arrow, so they are recognised by the numbers of Arrow's own type enumeration,
 * which the format fixes, and never by class.
 */
import * as arrow from 'apache-arrow'
import { SchemaError } from '../errors/index.ts'
import { decimalParts, decimalType } from './sql-type.ts'
import type { DataType, StructField, StructType } from './types.ts'

/** The field metadata that marks a struct as a variant, in Arrow's registry of extension types. */
const extensionKey = 'ARROW:extension:name'
const variantExtension = 'arrow.parquet.variant'

const simpleTypes: Readonly<Record<string, () => arrow.DataType>> = {
  string: () => new arrow.Utf8(),
  long: () => new arrow.Int64(),
  integer: () => new arrow.Int32(),
  short: () => new arrow.Int16(),
  byte: () => new arrow.Int8(),
  float: () => new arrow.Float32(),
  double: () => new arrow.Float64(),
  boolean: () => new arrow.Bool(),
  binary: () => new arrow.Binary(),
  date: () => new arrow.DateDay(),
  timestamp: () => new arrow.TimestampMicrosecond('UTC'),
  timestamp_ntz: () => new arrow.TimestampMicrosecond(null),
  void: () => new arrow.Null(),
  variant: () =>
    new arrow.Struct([new arrow.Field('metadata', new arrow.Binary(), false), new arrow.Field('value', new arrow.Binary(), false)]),
}

/** The Arrow schema of a table's rows. */
export function toArrowSchema(schema: StructType): arrow.Schema {
  return new arrow.Schema(schema.fields.map(toArrowField))
}

/** The Arrow field of a column. A variant's field says so in its metadata. */
function toArrowField(column: StructField): arrow.Field {
  return arrowField(column.name, column.type, column.nullable)
}

/** The Arrow type of a Delta type. */
function toArrowType(type: DataType): arrow.DataType {
  if (typeof type === 'string') {
    const simple = simpleTypes[type]
    if (simple !== undefined) return simple()
    const { precision, scale } = decimalParts(type)!
    return new arrow.Decimal(scale, precision, 128)
  }
  switch (type.type) {
    case 'struct':
      return new arrow.Struct(type.fields.map(toArrowField))
    case 'array':
      return new arrow.List(arrowField('element', type.elementType, type.containsNull))
    case 'map': {
      const entries = new arrow.Struct([
        arrowField('key', type.keyType, false),
        arrowField('value', type.valueType, type.valueContainsNull),
      ])
      return new arrow.Map_(new arrow.Field('entries', entries, false) as never, false)
    }
  }
}

/**
 * The Delta schema for rows of an Arrow schema. Unsigned integers widen (Uint64 is `decimal(20,0)`), Float16 widens, dictionaries
 * are their values, times of other units are microseconds: whoever reads the values refuses those that are not exact.
 * @throws SchemaError `UNSUPPORTED_TYPE` for a type that Delta has no room for, naming column and type.
 */
export function fromArrowSchema(schema: arrow.Schema): StructType {
  return { type: 'struct', fields: schema.fields.map((column) => fromArrowField(column, '')) }
}

function arrowField(name: string, type: DataType, nullable: boolean): arrow.Field {
  const metadata = type === 'variant' ? new Map([[extensionKey, variantExtension]]) : undefined
  return new arrow.Field(name, toArrowType(type), nullable || type === 'void', metadata)
}

function fromArrowField(column: arrow.Field, parent: string): StructField {
  const path = parent === '' ? column.name : `${parent}.${column.name}`
  const type = fromArrowType(column, path)
  // Arrow's builders do not count the NULLs of a column that has nothing else.
  return { name: column.name, type, nullable: column.nullable || type === 'void', metadata: {} }
}

function fromArrowType(column: arrow.Field, path: string): DataType {
  if (column.metadata?.get(extensionKey) === variantExtension) return 'variant'
  const type = column.type as ArrowShape
  switch (type.typeId) {
    case arrow.Type.Null:
      return 'void'
    case arrow.Type.Int:
      return integerType(type.bitWidth!, type.isSigned!)
    case arrow.Type.Float:
      return type.precision === arrow.Precision.DOUBLE ? 'double' : 'float'
    case arrow.Type.Utf8:
    case arrow.Type.LargeUtf8:
    case arrow.Type.Utf8View:
      return 'string'
    case arrow.Type.Binary:
    case arrow.Type.LargeBinary:
    case arrow.Type.BinaryView:
    case arrow.Type.FixedSizeBinary:
      return 'binary'
    case arrow.Type.Bool:
      return 'boolean'
    case arrow.Type.Date:
      return 'date'
    case arrow.Type.Timestamp:
      return type.timezone ? 'timestamp' : 'timestamp_ntz'
    case arrow.Type.Decimal:
      return decimalFromArrow(type.precision!, type.scale!, path)
    case arrow.Type.Dictionary:
      return fromArrowType(new arrow.Field(column.name, type.dictionary!, column.nullable), path)
    case arrow.Type.List:
    case arrow.Type.LargeList:
    case arrow.Type.FixedSizeList: {
      const element = type.children![0]!
      return { type: 'array', elementType: fromArrowType(element, `${path}.element`), containsNull: element.nullable }
    }
    case arrow.Type.Map: {
      const [key, value] = (type.children![0]!.type as ArrowShape).children!
      const [keyType, valueType] = [fromArrowType(key!, `${path}.key`), fromArrowType(value!, `${path}.value`)]
      return { type: 'map', keyType, valueType, valueContainsNull: value!.nullable }
    }
    case arrow.Type.Struct:
      if (type.children!.length === 0) throw unsupported(path, 'a struct without fields')
      return { type: 'struct', fields: type.children!.map((child) => fromArrowField(child, path)) }
    default:
      throw unsupported(path, String(column.type))
  }
}

/** What a type object holds, whichever copy of the library made it. */
interface ArrowShape {
  readonly typeId: arrow.Type
  readonly bitWidth?: number
  readonly isSigned?: boolean
  readonly precision?: number
  readonly scale?: number
  readonly timezone?: string | null
  readonly children?: readonly arrow.Field[]
  readonly dictionary?: arrow.DataType
}

function integerType(bits: number, signed: boolean): DataType {
  const signedTypes = { 8: 'byte', 16: 'short', 32: 'integer', 64: 'long' } as const
  const widened = { 8: 'short', 16: 'integer', 32: 'long', 64: decimalType(20, 0) } as const
  return (signed ? signedTypes : widened)[bits as 8 | 16 | 32 | 64]
}

function decimalFromArrow(precision: number, scale: number, path: string): DataType {
  // A negative scale counts zeros before the point, which need digits of their own; a scale above the precision, zeros after it.
  const [digits, places] = scale < 0 ? [precision - scale, 0] : [Math.max(precision, scale), scale]
  if (digits < 1 || digits > 38) throw unsupported(path, `a decimal of ${digits} digits`)
  return decimalType(digits, places)
}

function unsupported(path: string, type: string): SchemaError {
  return new SchemaError(
    'UNSUPPORTED_TYPE',
    `The column ${path} is ${/^a /.test(type) ? type : `of Arrow's type ${type}`}, which Delta has no type for.`,
    {
      remedy: 'Convert the column before it is written, for example to a string or a number, or leave it out.',
      data: { column: path, type },
    },
  )
}
