/** A store that syncs nothing, to see what the syncs cost. Never for data. */
import type { ObjectStore } from '../../src/index.ts'

/** The same store, with every write told that it may be lost at a power cut. */
export function unsynced(store: ObjectStore): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (typeof value !== 'function') return value
      const method = value as (...args: unknown[]) => unknown
      if (name !== 'put' && name !== 'putIfAbsent') return method.bind(target)
      return (key: unknown, body: unknown, options?: object) => method.call(target, key, body, { ...options, durable: false })
    },
  })
}
