import type { RecordBatch } from 'apache-arrow'
import { AbortedError } from '../../errors/index.ts'
import { batchBytes } from './small-columns.ts'

/**
 * Gathers the batches of an asynchronous source into arrays of at least `bytes` (the last may be smaller), so that DuckDB, which
 * pulls synchronously, can have them. The source is let go of when the consumer stops early.
 * @throws AbortedError also while the source keeps one waiting
 */
export async function* gather(source: AsyncIterable<RecordBatch>, bytes: number, signal?: AbortSignal): AsyncGenerator<RecordBatch[]> {
  const iterator = source[Symbol.asyncIterator]()
  let gathered: RecordBatch[] = []
  let size = 0
  let ended = false
  try {
    for (;;) {
      const next = await orAborted(iterator.next(), signal)
      if (next.done) {
        ended = true
        break
      }
      gathered.push(next.value)
      size += batchBytes(next.value)
      if (size < bytes) continue
      yield gathered
      gathered = []
      size = 0
    }
    if (gathered.length > 0) yield gathered
  } finally {
    // A source that keeps one waiting may not answer this either.
    if (!ended) void Promise.resolve(iterator.return?.()).catch(() => undefined)
  }
}

/** The promise, unless the signal comes first. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  if (signal.aborted) throw new AbortedError('Writing', signal.reason)
  let abort: (() => void) | undefined
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(new AbortedError('Writing', signal.reason))
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort!)
  }
}
