/** Values as spec/fingerprint.md spells them in JSON, as SQL of DuckDB. */
import { quoteLiteral } from '../../src/schema/quoting.ts'
import { toSqlType } from '../../src/schema/sql-type.ts'
import type { DataType, StructType } from '../../src/schema/types.ts'

/** A value as the page's test vectors spell it. */
export type TypedValue = null | boolean | number | string | readonly TypedValue[]

/** A SELECT of rows. */
export function selectOf(schema: StructType, rows: readonly (readonly TypedValue[])[]): string {
  const select = (row: readonly (TypedValue | undefined)[]) =>
    `SELECT ${schema.fields.map(({ name, type }, at) => `${sqlOf(row[at] ?? null, type)} AS ${JSON.stringify(name).replaceAll('\\"', '""')}`).join(', ')}`
  return rows.length === 0 ? `${select([])} WHERE false` : rows.map(select).join(' UNION ALL ')
}

function sqlOf(value: TypedValue, type: DataType): string {
  const name = toSqlType(type)
  if (value === null) return `CAST(NULL AS ${name})`
  if (typeof type !== 'string') {
    const items = value as readonly TypedValue[]
    if (type.type === 'array') return `CAST([${items.map((item) => sqlOf(item, type.elementType)).join(', ')}] AS ${name})`
    if (type.type === 'struct') {
      const fields = type.fields.map((field, at) => `${quoteLiteral(field.name)}: ${sqlOf(items[at] ?? null, field.type)}`)
      return `CAST({${fields.join(', ')}} AS ${name})`
    }
    const [keys, values] = [0, 1].map((side) => items.map((entry) => (entry as readonly TypedValue[])[side]!))
    const list = (of: readonly TypedValue[], inner: DataType) => `[${of.map((item) => sqlOf(item, inner)).join(', ')}]`
    return items.length === 0
      ? `CAST(MAP {} AS ${name})`
      : `CAST(MAP(${list(keys!, type.keyType)}, ${list(values!, type.valueType)}) AS ${name})`
  }
  if (type === 'string') return `decode(from_hex('${Buffer.from(String(value)).toString('hex')}'))`
  if (type === 'binary') return `from_hex('${Buffer.from(String(value), 'base64').toString('hex')}')`
  if (type === 'date') return `(DATE '1970-01-01' + (${value})::INTEGER)`
  if (type === 'timestamp') return `make_timestamptz((${value})::BIGINT)`
  if (type === 'timestamp_ntz') return `make_timestamp((${value})::BIGINT)`
  return `CAST('${Object.is(value, -0) ? '-0' : value}' AS ${name})`
}
