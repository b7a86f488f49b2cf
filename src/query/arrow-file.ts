/** Rows as a file in Arrow's stream format. */
import { basename, dirname } from 'node:path'
import type { RecordBatch, Schema } from 'apache-arrow'
import { localStore, spoolStream, statInput } from '../storage/index.ts'

/** Writes batches, each as it comes, to a file that appears under its absolute path when it is complete. @returns how many rows there were */
export async function writeArrowFile(
  target: string,
  schema: Schema,
  batches: AsyncIterable<RecordBatch>,
  signal: AbortSignal,
): Promise<{ rows: number }> {
  const counter = { rows: 0 }
  const spooled = await spoolStream(arrowStream(schema, batches, counter), '.arrow', { signal })
  try {
    const size = (await statInput(spooled.path))?.size ?? 0
    await localStore(dirname(target)).put(basename(target), { path: spooled.path, size })
    return counter
  } finally {
    await spooled.dispose()
  }
}

async function* arrowStream(schema: Schema, batches: AsyncIterable<RecordBatch>, counter: { rows: number }): AsyncGenerator<Uint8Array> {
  const { AsyncByteQueue, RecordBatchStreamWriter } = await import('apache-arrow')
  const chunks: Uint8Array[] = []
  // The writer's own queue would hold everything that a slow disk has not taken yet.
  class Chunks extends AsyncByteQueue<Uint8Array> {
    override write(chunk: Uint8Array) {
      chunks.push(chunk)
    }
  }
  const writer = new RecordBatchStreamWriter().reset(new Chunks(), schema)
  for await (const batch of batches) {
    counter.rows += batch.numRows
    writer.write(batch)
    yield* chunks.splice(0)
  }
  writer.finish()
  yield* chunks.splice(0)
}
