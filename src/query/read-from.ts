/** What was read of tables, as a version that is made from it tells. */
import type { TableInput } from '../log/actions.ts'
import type { QueryTarget } from './target.ts'

/** A version that was read, or what changed from one version to it. */
export interface ReadVersion extends Pick<QueryTarget, 'store' | 'version' | 'id'> {
  readonly from?: number | undefined
}

/** The versions that were read, each once. An id that cannot be found out is `null`. */
export async function versionsRead(targets: readonly ReadVersion[]): Promise<TableInput[]> {
  const read = new Map<string, Promise<TableInput>>()
  for (const target of targets) {
    const key = `${target.store.root}@${target.version} ${target.from}`
    if (!read.has(key)) read.set(key, inputOf(target))
  }
  return Promise.all(read.values())
}

async function inputOf({ store, version, from, id }: ReadVersion): Promise<TableInput> {
  const known = (await id?.().catch(() => null)) ?? null
  return { table: store.root, version, ...(from === undefined ? {} : { from }), id: known }
}
