/** The other way round: from a version to the runs that read it. */
import type { ObjectStore } from '../../storage/index.ts'
import { forEachRun, listParts, readStart } from './records.ts'

/** A run, as a version names it. */
export interface RunName {
  readonly id: string
  readonly name: string | null
}

/** The runs of each version that has some, older ones first. @throws LogError RECORD_CORRUPT; storage errors */
export async function runsByVersion(store: ObjectStore, signal?: AbortSignal): Promise<ReadonlyMap<number, readonly RunName[]>> {
  const runs = await forEachRun(await listParts(store, signal), (parts) => readStart(store, parts, signal))
  runs.sort((a, b) => a.start.getTime() - b.start.getTime() || (a.id < b.id ? -1 : 1))
  const names = new Map<number, RunName[]>()
  for (const { id, name, data } of runs) {
    const versions = new Set(data.filter(({ own }) => own).map(({ version }) => version))
    for (const version of versions) names.set(version, [...(names.get(version) ?? []), { id, name }])
  }
  return names
}
