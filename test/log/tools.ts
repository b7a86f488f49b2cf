/** Logs made by hand: commits as lists of actions, put into a memory store. */
import type { Action, Add, Metadata, Remove } from '../../src/log/actions.ts'
import { commitKey } from '../../src/log/paths.ts'
import { stringifyJson } from '../../src/schema/json.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'

const schemaString = '{"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}}]}'

export const protocol: Action = { protocol: { minReaderVersion: 1, minWriterVersion: 2 } }

export function metadata(configuration: Record<string, string> = {}, extra: Partial<Metadata> = {}): Action {
  return {
    metaData: { id: 'table', format: { provider: 'parquet', options: {} }, schemaString, partitionColumns: [], configuration, ...extra },
  }
}

export function add(path: string, extra: Partial<Add> = {}): Action {
  return { add: { path, partitionValues: {}, size: 10, modificationTime: 1, dataChange: true, stats: '{"numRecords":3}', ...extra } }
}

export function remove(path: string, extra: Partial<Remove> = {}): Action {
  return { remove: { path, dataChange: true, deletionTimestamp: 1, size: 10, stats: '{"numRecords":3}', ...extra } }
}

/** Puts a commit as text. */
export async function putCommit(
  store: ObjectStore,
  version: number,
  actions: readonly (Action | Record<string, unknown> | string)[],
): Promise<void> {
  const lines = actions.map((action) => (typeof action === 'string' ? action : stringifyJson(action)))
  await store.put(commitKey(version), new TextEncoder().encode(`${lines.join('\n')}\n`))
}

/** A log of these commits, version 0 with protocol and metadata first. */
export async function putLog(store: ObjectStore, commits: readonly (readonly (Action | Record<string, unknown>)[])[]): Promise<void> {
  for (const [version, actions] of commits.entries()) {
    await putCommit(store, version, version === 0 ? [protocol, metadata(), ...actions] : actions)
  }
}
