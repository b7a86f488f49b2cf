/** A store some of whose requests a test answers itself. */
import type { ObjectStore } from '../../../src/storage/index.ts'

export function intercepted(inner: ObjectStore, own: Partial<ObjectStore>): ObjectStore {
  return new Proxy(inner, {
    get(target, name) {
      const value: unknown = own[name as keyof ObjectStore] ?? target[name as keyof ObjectStore]
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
