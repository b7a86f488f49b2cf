/** Iterables whose first element has been looked at. */
import { orAborted } from '../write/gather.ts'

/** What is known after a look at the first element. */
export interface Pulled<T> {
  /** The first element, `undefined` where there is none. */
  readonly first: T | undefined
  /** Lets go of the iterator when it is not read to its end. */
  close(): Promise<void>
}

/** An iterable with its first element known; it can be iterated once. */
export function pull<T>(source: Iterable<T>): Pulled<T> & Iterable<T> {
  const iterator = source[Symbol.iterator]()
  let pending: IteratorResult<T> | undefined = iterator.next()
  const first = pending.done ? undefined : pending.value
  const next = (): IteratorResult<T> => {
    const result = pending ?? iterator.next()
    pending = undefined
    return result
  }
  const close = () => void iterator.return?.()
  const end = (): IteratorResult<T> => {
    close()
    return { done: true, value: undefined }
  }
  return { first, close: async () => close(), [Symbol.iterator]: () => ({ next, return: end }) }
}

/** The same of an asynchronous one. */
export async function pullAsync<T>(source: AsyncIterable<T>, signal?: AbortSignal): Promise<Pulled<T> & AsyncIterable<T>> {
  const iterator = source[Symbol.asyncIterator]()
  let pending: IteratorResult<T> | undefined = await orAborted(iterator.next(), signal)
  const first = pending.done ? undefined : pending.value
  const next = async (): Promise<IteratorResult<T>> => {
    const result = pending ?? (await iterator.next())
    pending = undefined
    return result
  }
  // Not waited for: a source that keeps one waiting for an element may not answer this either.
  const close = async () => void Promise.resolve(iterator.return?.()).catch(() => undefined)
  const end = async (): Promise<IteratorResult<T>> => {
    await close()
    return { done: true, value: undefined }
  }
  return { first, close, [Symbol.asyncIterator]: () => ({ next, return: end }) }
}
