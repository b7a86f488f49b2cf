/**
 * The one place where DuckDB's native library is loaded: on first use, so that importing Varve costs nothing (`--version` loads no
 * engine). The engine stands on the raw binding of DuckDB's Node client, since the codec needs vectors' bytes, which the client's
 * classes do not show, and since loading those classes takes three times as long as the binding alone.
 */

/** The native binding, as its own declarations describe it. */
export type Binding = typeof import('@duckdb/node-bindings')

/** A vector of the binding: a view on a chunk, valid as long as the chunk is. */
export type Vector = import('@duckdb/node-bindings').Vector

/** A logical type of the binding. */
export type LogicalType = import('@duckdb/node-bindings').LogicalType

let loading: Promise<Binding> | undefined

/** The native binding, loaded once a process. */
export function loadBinding(): Promise<Binding> {
  loading ??= import('@duckdb/node-bindings').then((module) => module.default as unknown as Binding)
  return loading
}
