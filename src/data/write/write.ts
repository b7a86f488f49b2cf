/**
 * Rows into data files of a table: conformed to its schema, split by partition, with statistics and SHA-256, durable in
 * the store. No version names the files yet. When anything fails, none of them is left.
 *
 * Source -> conform -> small and flat: `write-small.ts`; else `write-copy.ts` -> `publish.ts` -> DataFile
 */
import type { RecordBatch } from 'apache-arrow'
import { type Connection, trustedEngine } from '../../engine/index.ts'
import { AbortedError } from '../../errors/index.ts'
import { columnNaming } from '../../schema/physical.ts'
import type { StructType } from '../../schema/types.ts'
import { inputFailure } from '../input/input-failure.ts'
import { normalise } from '../input/normalise.ts'
import type { BatchSource, Source } from '../input/source.ts'
import { conform, inBatches, type Projection } from './conform.ts'
import { gather } from './gather.ts'
import { Publisher } from './publish.ts'
import { CopyWriter } from './write-copy.ts'
import { smallBytes, writeSmall } from './write-small.ts'
import type { DataFile, WriteTarget } from './write-target.ts'

/** Bytes of Arrow that are gathered from an asynchronous source before they are written. */
const gatheredBytes = 128 * 1024 * 1024

/**
 * Writes all rows of a source; the source is not closed. No rows: no files.
 *
 * @throws SchemaError where the columns do not fit, before anything is read
 * @throws ValueError where a value does not fit its column
 * @throws InputError `INPUT_CORRUPT` where a file cannot be read to its end
 * @throws AbortedError, StoreFullError and what else the store throws
 */
export async function writeFiles(source: Source, target: WriteTarget): Promise<DataFile[]> {
  checkAborted(target)
  const given = source.kind === 'batches' ? inBatches(source.schema) : source.schema
  const columns: StructType = { type: 'struct', fields: [...target.schema.fields, ...(target.hidden ?? [])] }
  const projection = conform(withoutMark(given, target), columns, columnNaming(target.properties), target.rules?.filled)
  const publisher = new Publisher(target)
  try {
    if (!(await writeAsSmall(source, target, projection, publisher))) await writeByCopy(source, target, projection, publisher)
    checkAborted(target)
    return publisher.files
  } catch (error) {
    await publisher.takeBack()
    throw error
  }
}

async function writeAsSmall(source: Source, target: WriteTarget, projection: Projection, publisher: Publisher): Promise<boolean> {
  if (source.kind !== 'batches' || source.size === undefined || source.size.bytes > smallBytes || target.hidden || target.rules)
    return false
  const files = writeSmall([...(source.batches as Iterable<RecordBatch>)], projection, target)
  if (files === undefined) return false
  await publisher.putSmall(files)
  return true
}

async function writeByCopy(source: Source, target: WriteTarget, projection: Projection, publisher: Publisher): Promise<void> {
  const own = source.kind === 'relation' ? source.connection : undefined
  const connection = own ?? (await (await trustedEngine()).connect())
  const staging = target.staging ?? (await target.store.stage())
  const writer = new CopyWriter(connection, staging, target, projection)
  try {
    if (source.kind === 'relation') await publisher.putStaged(await writer.copy(source))
    else await copyBatches(source, connection, writer, target, publisher)
  } catch (error) {
    throw source.kind === 'relation' ? inputFailure(error, source.files, source.fileNames) : error
  } finally {
    if (connection !== own) await connection.close()
    await writer.dispose()
    if (staging !== target.staging) await staging.dispose()
  }
}

async function copyBatches(
  source: BatchSource,
  connection: Connection,
  writer: CopyWriter,
  target: WriteTarget,
  publisher: Publisher,
): Promise<void> {
  const { batches } = source
  const relation = <T>(some: Iterable<RecordBatch>, use: (sql: string) => Promise<T>): Promise<T> =>
    connection.withBatches(source.arrowSchema, some, async (sql) => use((await normalise(connection, sql)).sql))
  if (Symbol.iterator in batches) {
    await publisher.putStaged(await relation(batches, (sql) => writer.copy({ sql, replayable: false, files: [] })))
    return
  }
  if (target.partitionColumns.length > 0) {
    for await (const some of gather(batches, gatheredBytes, target.signal)) {
      await relation(some, (sql) => writer.collect({ sql, replayable: false, files: [] }))
    }
    await publisher.putStaged(await writer.copyCollected())
    return
  }
  // Files are handed over while the next buffer is gathered.
  let handingOver: Promise<void> = Promise.resolve()
  try {
    for await (const some of gather(batches, gatheredBytes, target.signal)) {
      const staged = await relation(some, (sql) => writer.copy({ sql, replayable: false, files: [] }))
      await handingOver
      handingOver = publisher.putStaged(staged)
      handingOver.catch(() => undefined)
    }
  } finally {
    await handingOver
  }
}

/** The source's columns that are the table's. */
function withoutMark(given: StructType, { rules }: WriteTarget): StructType {
  if (rules?.newRows === undefined) return given
  return { ...given, fields: given.fields.filter((field) => field.name !== rules.newRows) }
}

function checkAborted(target: WriteTarget): void {
  if (target.signal?.aborted) throw new AbortedError('Writing', target.signal.reason)
}
