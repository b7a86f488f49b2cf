/** LanceDB and its own apache-arrow, loaded from where the peers are installed; only what the cases call is typed. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** A table of LanceDB. */
export interface LanceTable {
  add(data: unknown): Promise<unknown>
  countRows(filter?: string): Promise<number>
  delete(predicate: string): Promise<unknown>
  update(options: { readonly where: string; readonly valuesSql: Readonly<Record<string, string>> }): Promise<unknown>
  mergeInsert(on: string): LanceMerge
  version(): Promise<number>
  checkout(version: number): Promise<void>
  restore(): Promise<void>
}

interface LanceMerge {
  whenMatchedUpdateAll(): LanceMerge
  whenNotMatchedInsertAll(): LanceMerge
  execute(data: unknown): Promise<unknown>
}

/** What the cases use of LanceDB. */
export interface Lance {
  connect(folder: string): Promise<{
    createTable(name: string, data: unknown): Promise<LanceTable>
    createEmptyTable(name: string, schema: unknown): Promise<LanceTable>
  }>
}

/** What the cases use of an apache-arrow; LanceDB has one of its own, whose classes are other classes. */
export interface Arrow {
  readonly Schema: new (fields: readonly unknown[]) => unknown
  readonly Field: new (name: string, type: unknown, nullable: boolean) => unknown
  readonly Table: new (columns: Readonly<Record<string, unknown>>) => unknown
  readonly Int64: new () => unknown
  readonly Float64: new () => unknown
  readonly Utf8: new () => unknown
  readonly TimestampMicrosecond: new (timezone: string) => unknown
  vectorFromArray(values: readonly unknown[], type: unknown): unknown
  tableFromIPC(bytes: Uint8Array): { slice(from: number, to: number): unknown }
}

/** Loads LanceDB from the peers' modules. */
export function lance(modules: string): Lance {
  return createRequire(join(modules, 'x.js'))('@lancedb/lancedb') as Lance
}

/** The apache-arrow that LanceDB knows. */
export function lanceArrow(modules: string): Arrow {
  return createRequire(join(modules, 'x.js'))('apache-arrow') as Arrow
}
