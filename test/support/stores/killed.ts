/** What a process leaves that is killed in the middle. */
import type { ObjectStore } from '../../../src/storage/index.ts'
import { intercepted } from './intercepted.ts'

/**
 * Does work on stores that take `steps` changes between them (a put, or one key deleted), and none from then on. `true`: it came to its end
 * before that.
 */
export async function killedAfter(
  steps: number,
  work: (mortal: (store: ObjectStore) => ObjectStore) => Promise<unknown>,
): Promise<boolean> {
  let left = steps
  const step = () => {
    if (left-- <= 0) throw new Error('killed')
  }
  const mortal = (inner: ObjectStore) =>
    intercepted(inner, {
      async put(key, body, options) {
        step()
        return inner.put(key, body, options)
      },
      async putIfAbsent(key, body, options) {
        step()
        return inner.putIfAbsent(key, body, options)
      },
      async delete(keys) {
        for (const key of keys) {
          step()
          await inner.delete([key])
        }
        return keys.map((key) => ({ key }))
      },
    })
  return work(mortal).then(
    () => true,
    () => false,
  )
}
