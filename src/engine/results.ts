/** What the binding says of a prepared statement and of a result that is kept: columns, and rows as objects. */
import type { Binding } from './binding.ts'
import { type EngineField, readType } from './types.ts'
import { readValues, setOwn } from './values.ts'

/** A result of the binding. */
export type NativeResult = Awaited<ReturnType<Binding['query']>>

/** A prepared statement of the binding. */
export type NativeStatement = Awaited<ReturnType<Binding['prepare']>>

/** The columns as planned, or `undefined` where the type of one depends on a parameter. */
export function columnsOfPrepared(binding: Binding, prepared: NativeStatement): EngineField[] | undefined {
  const columns: EngineField[] = []
  for (let index = 0; index < binding.prepared_statement_column_count(prepared); index++) {
    const id = binding.prepared_statement_column_type(prepared, index)
    if (id === binding.Type.INVALID || id === binding.Type.ANY) return undefined
    const type = readType(binding, binding.prepared_statement_column_logical_type(prepared, index))
    columns.push({ name: binding.prepared_statement_column_name(prepared, index), type })
  }
  return columns
}

/** The columns that a result has. */
export function columnsOfResult(binding: Binding, result: NativeResult): EngineField[] {
  return Array.from({ length: binding.column_count(result) }, (_, index) => ({
    name: binding.column_name(result, index),
    type: readType(binding, binding.column_logical_type(result, index)),
  }))
}

/** All rows of a kept result as objects. */
export function rowsOfResult(binding: Binding, result: NativeResult, columns: readonly EngineField[]): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = []
  for (let index = 0; index < binding.result_chunk_count(result); index++) {
    const chunk = binding.result_get_chunk(result, index)
    const count = binding.data_chunk_get_size(chunk)
    const values = columns.map(({ type }, column) => readValues(binding, binding.data_chunk_get_vector(chunk, column), type, count))
    for (let row = 0; row < count; row++) {
      const object: Record<string, unknown> = {}
      columns.forEach(({ name }, column) => {
        setOwn(object, name, values[column]![row])
      })
      rows.push(object)
    }
  }
  return rows
}
