/** The other way round: from a version to the runs that read it. */
import type { Fingerprints } from '../../refs/fingerprints.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { forEachRun, listParts, ownVersions, type RunBeginning, readStart } from './records.ts'

/** A run, as a version names it. */
export interface RunName {
  readonly id: string
  readonly name: string | null
}

/** The runs of each version that has some, older ones first. @throws LogError RECORD_CORRUPT; storage errors */
export async function runsByVersion(store: ObjectStore, signal?: AbortSignal): Promise<ReadonlyMap<number, readonly RunName[]>> {
  const names = new Map<number, RunName[]>()
  for (const { id, name, data } of await allStarts(store, signal)) {
    for (const version of ownVersions(data)) names.set(version, [...(names.get(version) ?? []), { id, name }])
  }
  return names
}

/** What runs recorded of a version; of those that say the same, the first. @throws LogError RECORD_CORRUPT; storage errors */
export async function fingerprintsByRuns(
  store: ObjectStore,
  version: number,
  signal?: AbortSignal,
): Promise<readonly { readonly id: string; readonly fingerprints: Fingerprints }[]> {
  const found = new Map<string, { readonly id: string; readonly fingerprints: Fingerprints }>()
  for (const { id, data } of await allStarts(store, signal)) {
    for (const { own, version: read, fingerprints } of data) {
      const key = JSON.stringify(fingerprints)
      if (own && read === version && !found.has(key)) found.set(key, { id, fingerprints })
    }
  }
  return [...found.values()]
}

async function allStarts(store: ObjectStore, signal: AbortSignal | undefined): Promise<RunBeginning[]> {
  const runs = await forEachRun(await listParts(store, signal), (parts) => readStart(store, parts, signal))
  return runs.sort((a, b) => a.start.getTime() - b.start.getTime() || (a.id < b.id ? -1 : 1))
}
