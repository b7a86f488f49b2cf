/** The builder for each of DuckDB's types (builder.ts). */
import type { DataType } from 'apache-arrow'
import { type EngineType, unreadable, variantFields } from '../types.ts'
import { type Arrow, arrowField, type BuilderContext, type ColumnBuilder } from './builder.ts'
import { BooleanBuilder, DecimalBuilder, FixedBuilder } from './flat-builders.ts'
import { ArrayBuilder, ListBuilder, NullBuilder, StructBuilder } from './nested-builders.ts'
import { StringBuilder } from './string-builder.ts'

/** A builder for a type that the codec reads; all others are cast before (casts.ts). @throws SchemaError UNSUPPORTED_TYPE */
export function columnBuilder(context: BuilderContext, type: EngineType): ColumnBuilder {
  const { arrow } = context
  const fixed = (arrowType: DataType, width: number) => new FixedBuilder(context, arrowType, width)
  switch (type.name) {
    case 'BOOLEAN':
      return new BooleanBuilder(context)
    case 'TINYINT':
      return fixed(new arrow.Int8(), 1)
    case 'SMALLINT':
      return fixed(new arrow.Int16(), 2)
    case 'INTEGER':
      return fixed(new arrow.Int32(), 4)
    case 'BIGINT':
      return fixed(new arrow.Int64(), 8)
    case 'UTINYINT':
      return fixed(new arrow.Uint8(), 1)
    case 'USMALLINT':
      return fixed(new arrow.Uint16(), 2)
    case 'UINTEGER':
      return fixed(new arrow.Uint32(), 4)
    case 'UBIGINT':
      return fixed(new arrow.Uint64(), 8)
    case 'HUGEINT':
      return fixed(new arrow.Decimal(0, 38, 128), 16)
    case 'FLOAT':
      return fixed(new arrow.Float32(), 4)
    case 'DOUBLE':
      return fixed(new arrow.Float64(), 8)
    case 'DECIMAL':
      return new DecimalBuilder(context, type.width, type.scale)
    case 'DATE':
      return fixed(new arrow.DateDay(), 4)
    case 'TIME':
      return fixed(new arrow.TimeMicrosecond(), 8)
    case 'TIME_NS':
      return fixed(new arrow.TimeNanosecond(), 8)
    case 'TIMESTAMP':
      return fixed(new arrow.TimestampMicrosecond(), 8)
    case 'TIMESTAMP_TZ':
      return fixed(new arrow.TimestampMicrosecond('UTC'), 8)
    case 'TIMESTAMP_S':
      return fixed(new arrow.TimestampSecond(), 8)
    case 'TIMESTAMP_MS':
      return fixed(new arrow.TimestampMillisecond(), 8)
    case 'TIMESTAMP_NS':
      return fixed(new arrow.TimestampNanosecond(), 8)
    case 'VARCHAR':
    case 'JSON':
      return new StringBuilder(context, new arrow.Utf8())
    case 'BLOB':
      return new StringBuilder(context, new arrow.Binary())
    case 'LIST': {
      const child = columnBuilder(context, type.child)
      return new ListBuilder(context, new arrow.List(arrowField(context, 'element', type.child, child)), child)
    }
    case 'MAP': {
      const entries = structBuilder(context, [
        { name: 'key', type: type.key, nullable: false },
        { name: 'value', type: type.value, nullable: true },
      ])
      const field = new arrow.Field('entries', entries.type, false)
      return new ListBuilder(context, new arrow.Map_(field as ConstructorParameters<Arrow['Map_']>[0]), entries)
    }
    case 'ARRAY': {
      const child = columnBuilder(context, type.child)
      return new ArrayBuilder(context, child, arrowField(context, 'element', type.child, child), type.size)
    }
    case 'STRUCT':
      return structBuilder(
        context,
        type.fields.map((field) => ({ ...field, nullable: true })),
      )
    case 'VARIANT':
      return structBuilder(
        context,
        variantFields.map((field) => ({ ...field, nullable: false })),
      )
    case 'SQLNULL':
      return new NullBuilder(context)
    default:
      throw unreadable(type)
  }
}

function structBuilder(context: BuilderContext, fields: readonly { name: string; type: EngineType; nullable: boolean }[]): ColumnBuilder {
  const children = fields.map((field) => columnBuilder(context, field.type))
  const arrowFields = fields.map((field, index) => arrowField(context, field.name, field.type, children[index]!, field.nullable))
  return new StructBuilder(context, arrowFields, children)
}
