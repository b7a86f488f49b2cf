/**
 * Parameters of a statement: JavaScript values bound as DuckDB values, never spliced into text. A number without a fraction is an
 * integer, but for -0; a bigint is a BIGINT where it fits, else a HUGEINT; a Date is an instant (TIMESTAMPTZ); an array is a list of
 * the one type that its elements share.
 */
import { QueryError, ValueError } from '../errors/index.ts'
import type { Binding, LogicalType } from './binding.ts'

/** What can be bound. */
export type Value = null | boolean | number | bigint | string | Date | Uint8Array | readonly Value[]

/** Parameters by position (`$1`, `?`) or by name (`$name`, given without the sign). */
export type Parameters = readonly Value[] | Readonly<Record<string, Value>>

type Prepared = ArgumentsOf<Binding['bind_value']>[0]
type NativeValue = ReturnType<Binding['create_null_value']>
type ArgumentsOf<F> = F extends (...args: infer A) => unknown ? A : never

/** Names of types that a scalar is bound as; a list takes the first in this order that holds all its elements. */
type ScalarName = 'SQLNULL' | 'BOOLEAN' | 'INTEGER' | 'BIGINT' | 'HUGEINT' | 'UHUGEINT' | 'DOUBLE' | 'VARCHAR' | 'TIMESTAMP_TZ' | 'BLOB'
type ValueType = ScalarName | { readonly list: ValueType }

const numbers: readonly ValueType[] = ['INTEGER', 'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE']

/**
 * Binds all parameters.
 * @throws QueryError SQL_ERROR when one has no place in the statement. @throws ValueError INVALID_VALUE for a value that DuckDB cannot
 * hold: an invalid Date, text with half a surrogate pair, an integer beyond 128 bits, a list of unlike elements.
 */
export function bindParameters(binding: Binding, prepared: Prepared, parameters: Parameters): void {
  if (isList(parameters)) {
    const count = binding.nparams(prepared)
    if (parameters.length > count) throw unknownParameter(`$${count + 1}`)
    parameters.forEach((value, index) => {
      binding.bind_value(prepared, index + 1, toNative(binding, value, typeOf(value)))
    })
    return
  }
  const places = new Map<string, number>()
  for (let index = 1; index <= binding.nparams(prepared); index++) places.set(binding.parameter_name(prepared, index), index)
  for (const [name, value] of Object.entries(parameters)) {
    const place = places.get(name) ?? places.get(name.toLowerCase())
    if (place === undefined) throw unknownParameter(`$${name}`)
    binding.bind_value(prepared, place, toNative(binding, value, typeOf(value)))
  }
}

function isList(value: unknown): value is readonly Value[] {
  return Array.isArray(value)
}

function unknownParameter(name: string): QueryError {
  return new QueryError('SQL_ERROR', `The SQL has no parameter ${name}.`, {
    remedy: 'Name the parameter in the SQL, or leave its value out.',
    data: { parameter: name },
  })
}

function typeOf(value: Value): ValueType {
  switch (typeof value) {
    case 'boolean':
      return 'BOOLEAN'
    case 'number':
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) return 'DOUBLE'
      return value === (value | 0) ? 'INTEGER' : 'BIGINT'
    case 'bigint':
      if (BigInt.asIntN(64, value) === value) return 'BIGINT'
      if (BigInt.asIntN(128, value) === value) return 'HUGEINT'
      if (BigInt.asUintN(128, value) === value) return 'UHUGEINT'
      throw invalid(`The integer ${value} has more than 128 bits.`)
    case 'string':
      if (/\p{Surrogate}/u.test(value)) throw invalid('The text holds half a surrogate pair, which UTF-8 cannot.')
      return 'VARCHAR'
    case 'object':
      if (value === null) return 'SQLNULL'
      if (value instanceof Date) {
        if (Number.isNaN(value.getTime())) throw invalid('The Date is invalid.')
        return 'TIMESTAMP_TZ'
      }
      if (value instanceof Uint8Array) return 'BLOB'
      if (isList(value)) return { list: value.map(typeOf).reduce<ValueType>(commonType, 'SQLNULL') }
  }
  throw invalid(`A value of type ${typeof value} cannot be bound as a parameter.`)
}

function commonType(left: ValueType, right: ValueType): ValueType {
  if (left === 'SQLNULL') return right
  if (right === 'SQLNULL' || left === right) return left
  if (typeof left === 'object' && typeof right === 'object') return { list: commonType(left.list, right.list) }
  const place = Math.max(numbers.indexOf(left), numbers.indexOf(right))
  if (place >= 0 && numbers.includes(left) && numbers.includes(right)) return numbers[place]!
  throw invalid('The elements of a list are not of one type.')
}

function toNative(binding: Binding, value: Value, type: ValueType): NativeValue {
  if (value === null) return binding.create_null_value()
  if (typeof type === 'object') {
    const elements = (value as readonly Value[]).map((element) => toNative(binding, element, type.list))
    return binding.create_list_value(toLogicalType(binding, type.list), elements)
  }
  switch (type) {
    case 'BOOLEAN':
      return binding.create_bool(value as boolean)
    case 'INTEGER':
      return binding.create_int32(value as number)
    case 'BIGINT':
      return binding.create_int64(BigInt(value as number | bigint))
    case 'HUGEINT':
      return binding.create_hugeint(BigInt(value as number | bigint))
    case 'UHUGEINT':
      return binding.create_uhugeint(BigInt(value as number | bigint))
    case 'DOUBLE':
      return binding.create_double(Number(value))
    case 'VARCHAR':
      return binding.create_varchar(value as string)
    case 'TIMESTAMP_TZ':
      return binding.create_timestamp_tz({ micros: BigInt((value as Date).getTime()) * 1000n })
    case 'BLOB':
      return binding.create_blob(value as Uint8Array)
    case 'SQLNULL':
      return binding.create_null_value()
  }
}

function toLogicalType(binding: Binding, type: ValueType): LogicalType {
  if (typeof type === 'object') return binding.create_list_type(toLogicalType(binding, type.list))
  return binding.create_logical_type(binding.Type[type])
}

function invalid(message: string): ValueError {
  return new ValueError('INVALID_VALUE', message, { remedy: 'Bind another value.' })
}
