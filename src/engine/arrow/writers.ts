/** The writer for each of Arrow's types (writer.ts). */

import type { Binding } from '../binding.ts'
import { type ArrowField, ArrowTypeId, unsupportedArrowType } from './arrow-shape.ts'
import { BooleanWriter, FixedWriter, NullWriter } from './flat-writers.ts'
import { DictionaryWriter, ListWriter, StructWriter } from './nested-writers.ts'
import { DecimalWriter, Float16Writer, InstantWriter, MillisecondDateWriter } from './number-writers.ts'
import { StringWriter } from './string-writer.ts'
import type { ColumnWriter } from './writer.ts'

/** A writer for a field. @throws SchemaError UNSUPPORTED_TYPE */
export function columnWriter(binding: Binding, field: ArrowField): ColumnWriter {
  const { type, name } = field
  const { Type } = binding
  const plain = (id: number, width: number) => new FixedWriter(binding, name, id, width)
  switch (type.typeId) {
    case ArrowTypeId.Null:
      return new NullWriter(binding)
    case ArrowTypeId.Int:
      switch (type.bitWidth) {
        case 8:
          return plain(type.isSigned ? Type.TINYINT : Type.UTINYINT, 1)
        case 16:
          return plain(type.isSigned ? Type.SMALLINT : Type.USMALLINT, 2)
        case 32:
          return plain(type.isSigned ? Type.INTEGER : Type.UINTEGER, 4)
        default:
          return plain(type.isSigned ? Type.BIGINT : Type.UBIGINT, 8)
      }
    case ArrowTypeId.Float:
      // Precision is 0, 1 or 2: half, single, double.
      if (type.precision === 0) return new Float16Writer(binding, name)
      return type.precision === 1 ? plain(Type.FLOAT, 4) : plain(Type.DOUBLE, 8)
    case ArrowTypeId.Bool:
      return new BooleanWriter(binding, name)
    case ArrowTypeId.Utf8:
    case ArrowTypeId.LargeUtf8:
    case ArrowTypeId.Utf8View:
    case ArrowTypeId.Binary:
    case ArrowTypeId.LargeBinary:
    case ArrowTypeId.BinaryView:
    case ArrowTypeId.FixedSizeBinary:
      return new StringWriter(binding, field)
    case ArrowTypeId.Decimal:
      if (type.precision === undefined || type.precision > 38 || (type.scale ?? 0) < 0) throw unsupportedArrowType(field)
      return new DecimalWriter(binding, name, type.precision, type.scale ?? 0, (type.bitWidth ?? 128) / 8)
    case ArrowTypeId.Date:
      // Unit 0 is days, 1 is milliseconds.
      return type.unit === 0 ? plain(Type.DATE, 4) : new MillisecondDateWriter(binding, name)
    case ArrowTypeId.Timestamp:
      // Unit 0 to 3: seconds, milliseconds, microseconds, nanoseconds. DuckDB has all of them only without a zone.
      if (type.unit === 2) return plain(type.timezone ? Type.TIMESTAMP_TZ : Type.TIMESTAMP, 8)
      if (type.timezone) return new InstantWriter(binding, name, type.unit ?? 0)
      return plain([Type.TIMESTAMP_S, Type.TIMESTAMP_MS, Type.TIMESTAMP, Type.TIMESTAMP_NS][type.unit ?? 0]!, 8)
    case ArrowTypeId.List:
    case ArrowTypeId.LargeList:
    case ArrowTypeId.FixedSizeList:
    case ArrowTypeId.Map:
      return listWriter(binding, field)
    case ArrowTypeId.Struct:
      return structWriter(binding, field)
    case ArrowTypeId.Dictionary:
      return dictionaryWriter(binding, field)
    default:
      throw unsupportedArrowType(field)
  }
}

function listWriter(binding: Binding, field: ArrowField): ColumnWriter {
  const child = field.type.children?.[0]
  if (child === undefined) throw unsupportedArrowType(field)
  return new ListWriter(binding, field, innerWriter(binding, field, child))
}

function structWriter(binding: Binding, field: ArrowField): ColumnWriter {
  const children = field.type.children ?? []
  if (children.length === 0) throw unsupportedArrowType(field)
  return new StructWriter(
    binding,
    field,
    children.map((child) => innerWriter(binding, field, child)),
  )
}

function dictionaryWriter(binding: Binding, field: ArrowField): ColumnWriter {
  if (field.type.dictionary === undefined) throw unsupportedArrowType(field)
  return new DictionaryWriter(field.name, columnWriter(binding, { name: field.name, type: field.type.dictionary }))
}

function innerWriter(binding: Binding, field: ArrowField, child: ArrowField): ColumnWriter {
  return columnWriter(binding, { name: `${field.name}.${child.name}`, type: child.type })
}
