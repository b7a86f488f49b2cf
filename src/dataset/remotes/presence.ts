/** Which of many files are not there. */
import type { ObjectStore } from '../../storage/index.ts'
import { inParallel } from './in-parallel.ts'

/** From so many on the folder is listed, which is cheaper than asking for each. */
const many = 1000

const atOnce = 64

const last = '\u{10ffff}'

/** The keys of those that a store does not have. @throws storage errors: what could not be looked at is never taken for absent */
export async function absentOf(store: ObjectStore, files: ReadonlyMap<string, unknown>, signal?: AbortSignal): Promise<Set<string>> {
  const absent = new Set(files.keys())
  if (files.size < many) {
    await inParallel([...files.keys()], atOnce, async (key) => {
      if ((await store.head(key, { signal })) !== undefined) absent.delete(key)
    })
    return absent
  }
  // The log and the records of ours may be many names, and are none of those looked for.
  for (const [startAfter, until] of [
    [undefined, '_delta_log/'],
    [`_delta_log/${last}`, '_varve/'],
    [`_varve/${last}`, undefined],
  ] as const) {
    for await (const { key } of store.list('', { startAfter, signal })) {
      if (until !== undefined && key.startsWith(until)) break
      absent.delete(key)
    }
  }
  return absent
}
