/** LanceDB and its own apache-arrow, loaded from where the peers are installed; only what the cases call is typed. */
import { createRequire } from 'node:module'
import { join } from 'node:path'

/** A table of LanceDB. */
export interface LanceTable {
  add(data: unknown): Promise<unknown>
  countRows(): Promise<number>
}

/** What the cases use of LanceDB. */
export interface Lance {
  connect(folder: string): Promise<{ createTable(name: string, data: unknown, options?: { mode?: 'overwrite' }): Promise<LanceTable> }>
}

/** Loads LanceDB from the peers' modules. */
export function lance(modules: string): Lance {
  return createRequire(join(modules, 'x.js'))('@lancedb/lancedb') as Lance
}

/** The apache-arrow that LanceDB knows. */
export function lanceArrow(modules: string): { tableFromIPC(bytes: Uint8Array): unknown } {
  return createRequire(join(modules, 'x.js'))('apache-arrow') as { tableFromIPC(bytes: Uint8Array): unknown }
}
