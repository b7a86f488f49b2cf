/**
 * DuckDB's vectors as JavaScript values, for results that are small by construction (the engine's own questions, `describe`,
 * catalogues). Values are those of `schema/rows.ts`: long is bigint, decimal is exact text, dates and timestamps are Date, binary is
 * Uint8Array, a map is Map. Large results go through the Arrow codec instead.
 */
import type { Binding, Vector } from './binding.ts'
import { type EngineType, unreadable, variantFields } from './types.ts'
import { entryBytes, isValid, stringBytes, vectorBytes, vectorValidity } from './vectors.ts'

// A byte order mark is a character of a text like any other.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const dayMilliseconds = 86_400_000

/** The values of a vector's first `count` rows. */
export function readValues(binding: Binding, vector: Vector, type: EngineType, count: number): unknown[] {
  const validity = vectorValidity(binding, vector, count)
  const read = rowReader(binding, vector, type, count)
  return Array.from({ length: count }, (_, row) => (isValid(validity, row) ? read(row) : null))
}

/** Sets a key of a plain object, own even where it is `__proto__`. */
export function setOwn(target: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  else target[key] = value
}

function rowReader(binding: Binding, vector: Vector, type: EngineType, count: number): (row: number) => unknown {
  const bytes = (width: number) => vectorBytes(binding, vector, count * width)
  const view = (width: number) => {
    const data = bytes(width)
    return new DataView(data.buffer, data.byteOffset, data.byteLength)
  }
  switch (type.name) {
    case 'BOOLEAN': {
      const data = bytes(1)
      return (row) => data[row] !== 0
    }
    case 'TINYINT':
    case 'UTINYINT':
    case 'SMALLINT':
    case 'USMALLINT':
    case 'INTEGER':
    case 'UINTEGER':
    case 'FLOAT':
    case 'DOUBLE':
      return numberReader(type.name, view)
    case 'BIGINT': {
      const data = view(8)
      return (row) => data.getBigInt64(row * 8, true)
    }
    case 'UBIGINT': {
      const data = view(8)
      return (row) => data.getBigUint64(row * 8, true)
    }
    case 'HUGEINT': {
      const data = view(16)
      return (row) => hugeint(data, row)
    }
    case 'DECIMAL':
      return decimalReader(type.width, type.scale, view)
    case 'VARCHAR':
    case 'JSON': {
      const data = bytes(entryBytes)
      return (row) => decoder.decode(stringBytes(binding, data, row))
    }
    case 'BLOB': {
      const data = bytes(entryBytes)
      return (row) => new Uint8Array(stringBytes(binding, data, row))
    }
    case 'DATE': {
      const data = view(4)
      return (row) => new Date(data.getInt32(row * 4, true) * dayMilliseconds)
    }
    case 'TIMESTAMP':
    case 'TIMESTAMP_TZ':
    case 'TIMESTAMP_S':
    case 'TIMESTAMP_MS':
    case 'TIMESTAMP_NS':
      return timestampReader(type.name, view)
    case 'LIST':
      return listReader(binding, vector, type.child, view)
    case 'ARRAY': {
      const items = readValues(binding, binding.array_vector_get_child(vector), type.child, count * type.size)
      return (row) => items.slice(row * type.size, (row + 1) * type.size)
    }
    case 'MAP': {
      const fields = [
        { name: 'key', type: type.key },
        { name: 'value', type: type.value },
      ]
      const read = listReader(binding, vector, { name: 'STRUCT', fields }, view)
      return (row) => new Map(read(row).map((entry) => [(entry as MapEntry).key, (entry as MapEntry).value]))
    }
    case 'STRUCT': {
      const children = type.fields.map((field, index) =>
        readValues(binding, binding.struct_vector_get_child(vector, index), field.type, count),
      )
      return (row) => {
        const value: Record<string, unknown> = {}
        type.fields.forEach((field, index) => {
          setOwn(value, field.name, children[index]![row])
        })
        return value
      }
    }
    case 'VARIANT':
      return rowReader(binding, vector, { name: 'STRUCT', fields: variantFields }, count)
    case 'SQLNULL':
      return () => null
    default:
      throw unreadable(type)
  }
}

interface MapEntry {
  readonly key: unknown
  readonly value: unknown
}

type View = (width: number) => DataView

function numberReader(name: string, view: View): (row: number) => number {
  const data = view({ TINYINT: 1, UTINYINT: 1, SMALLINT: 2, USMALLINT: 2, DOUBLE: 8 }[name] ?? 4)
  switch (name) {
    case 'TINYINT':
      return (row) => data.getInt8(row)
    case 'UTINYINT':
      return (row) => data.getUint8(row)
    case 'SMALLINT':
      return (row) => data.getInt16(row * 2, true)
    case 'USMALLINT':
      return (row) => data.getUint16(row * 2, true)
    case 'INTEGER':
      return (row) => data.getInt32(row * 4, true)
    case 'UINTEGER':
      return (row) => data.getUint32(row * 4, true)
    case 'FLOAT':
      return (row) => data.getFloat32(row * 4, true)
    default:
      return (row) => data.getFloat64(row * 8, true)
  }
}

function hugeint(data: DataView, row: number): bigint {
  return (data.getBigInt64(row * 16 + 8, true) << 64n) + data.getBigUint64(row * 16, true)
}

function decimalReader(width: number, scale: number, view: View): (row: number) => string {
  const bytes = decimalBytes(width)
  const data = view(bytes)
  return (row) => decimalText(unscaled(data, bytes, row), scale)
}

/** The size of a decimal in a vector, by its precision. */
export function decimalBytes(width: number): 2 | 4 | 8 | 16 {
  if (width <= 4) return 2
  if (width <= 9) return 4
  return width <= 18 ? 8 : 16
}

function unscaled(data: DataView, bytes: 2 | 4 | 8 | 16, row: number): bigint {
  if (bytes === 2) return BigInt(data.getInt16(row * 2, true))
  if (bytes === 4) return BigInt(data.getInt32(row * 4, true))
  return bytes === 8 ? data.getBigInt64(row * 8, true) : hugeint(data, row)
}

function decimalText(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return value < 0n ? `-${text}` : text
}

function timestampReader(name: string, view: View): (row: number) => Date {
  const data = view(8)
  const read = (row: number) => data.getBigInt64(row * 8, true)
  if (name === 'TIMESTAMP_S') return (row) => new Date(Number(read(row)) * 1000)
  if (name === 'TIMESTAMP_MS') return (row) => new Date(Number(read(row)))
  const divisor = name === 'TIMESTAMP_NS' ? 1_000_000n : 1000n
  return (row) => new Date(Number(floorDivide(read(row), divisor)))
}

function floorDivide(value: bigint, divisor: bigint): bigint {
  const quotient = value / divisor
  return value < 0n && quotient * divisor !== value ? quotient - 1n : quotient
}

function listReader(binding: Binding, vector: Vector, child: EngineType, view: View): (row: number) => unknown[] {
  const entries = view(entryBytes)
  const items = readValues(binding, binding.list_vector_get_child(vector), child, binding.list_vector_get_size(vector))
  return (row) => {
    const start = Number(entries.getBigUint64(row * entryBytes, true))
    return items.slice(start, start + Number(entries.getBigUint64(row * entryBytes + 8, true)))
  }
}
