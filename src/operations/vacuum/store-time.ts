/** "Now", by the clock of the store that dates the files. */
import { v4 as uuid } from 'uuid'
import { StoreDeniedError } from '../../errors/index.ts'
import type { ObjectStore } from '../../storage/object-store.ts'

/**
 * The store's time in milliseconds, by an object made for it. A folder that one may only read is looked at by the local clock where nothing
 * is to be deleted there (`dryRun`).
 */
export async function storeTime(store: ObjectStore, dryRun: boolean): Promise<number> {
  const key = `_varve/clock-${uuid()}`
  try {
    const { modified } = await store.put(key, new TextEncoder().encode('\n'), { durable: false })
    await store.delete([key])
    return modified.getTime()
  } catch (error) {
    if (dryRun && error instanceof StoreDeniedError) return Date.now()
    throw error
  }
}
