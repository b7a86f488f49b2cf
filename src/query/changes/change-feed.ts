/**
 * The rows that changed between versions, to be read once, like those of a query: as Arrow batches, as an Arrow table, as plain objects, or
 * into a file. Rows of an earlier version come first; within a version the order means nothing.
 */
import { basename, dirname, resolve } from 'node:path'
import type { RecordBatch, Schema, Table } from 'apache-arrow'
import { readFrom, type Traced } from '../../data/input/traced.ts'
import { trustedEngine } from '../../engine/index.ts'
import { AbortedError, UsageError } from '../../errors/index.ts'
import type { VersionInput } from '../../log/actions.ts'
import { quoteLiteral, quotePaths } from '../../schema/quoting.ts'
import { batchToRows, type Row } from '../../schema/rows/rows.ts'
import { localStore, scratchFolder, statInput } from '../../storage/index.ts'
import { writeArrowFile } from '../arrow-file.ts'
import { type ReadVersion, versionsRead } from '../read-from.ts'
import type { QueryResult, ResultFormat } from '../result.ts'
import type { OpenFeed } from './parts.ts'
import type { VersionRange } from './survey.ts'

/** What a feed is read from. */
export interface FeedSource {
  open(signal: AbortSignal): Promise<OpenFeed>
  /** Moves the reader's bookmark past a range; `undefined` where the feed has no bookmark. */
  readonly moveBookmark?: ((range: VersionRange) => Promise<void>) | undefined
}

interface Started {
  readonly range: VersionRange | undefined
  readonly origin: ReadVersion | undefined
  readonly first: QueryResult
  readonly rest: AsyncGenerator<QueryResult, void, undefined>
}

/**
 * A change feed. Its rows have the table's columns and `_change_type` (`insert`, `update_preimage`, `update_postimage` or `delete`),
 * `_commit_version` and `_commit_timestamp`. Made by `table.changes`.
 */
export class ChangeFeed implements AsyncIterable<RecordBatch>, Traced {
  readonly #source: FeedSource
  readonly #abort = new AbortController()
  readonly #signal: AbortSignal
  #started: Promise<Started> | undefined
  #reading: QueryResult | undefined
  #taken = false
  #complete = false
  #committed = false

  /** @internal */
  constructor(source: FeedSource, signal: AbortSignal | undefined) {
    this.#source = source
    this.#signal = signal === undefined ? this.#abort.signal : AbortSignal.any([signal, this.#abort.signal])
  }

  /** The versions whose changes these are, the first and the last; `undefined` where there is nothing new. */
  async range(): Promise<VersionRange | undefined> {
    return (await this.#start()).range
  }

  /** The columns. */
  async schema(): Promise<Schema> {
    return (await this.#start()).first.schema()
  }

  /** The rows as Arrow record batches of some 64k rows. Leaving the loop ends the reading. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch, void, undefined> {
    for await (const part of this.#parts()) yield* part
  }

  /** All rows as one Arrow table. */
  async toArrow(): Promise<Table> {
    const { Table } = await import('apache-arrow')
    const schema = await this.schema()
    const batches: RecordBatch[] = []
    for await (const batch of this) batches.push(batch)
    return new Table(schema, batches)
  }

  /** All rows as plain objects (values as `schema/rows.ts` says). */
  async toArray(): Promise<Row[]> {
    const rows: Row[] = []
    for await (const batch of this) for (const row of batchToRows(batch)) rows.push(row)
    return rows
  }

  /** The rows as plain objects, one after the other. */
  async *rows(): AsyncGenerator<Row, void, undefined> {
    for await (const batch of this) yield* batchToRows(batch)
  }

  /**
   * Writes the rows to a file, which appears under its name only when it is complete, and replaces what is there.
   * @returns how many rows were written. @throws StoreDeniedError, StoreFullError, besides all that reading throws
   */
  async writeTo(path: string, { format }: { readonly format: ResultFormat }): Promise<{ rows: number }> {
    const target = resolve(path)
    try {
      if (format === 'parquet') return await this.#writeParquet(target)
      return await writeArrowFile(target, await this.schema(), this, this.#signal)
    } catch (error) {
      // All rows were read, and they are nowhere.
      this.#complete = false
      throw error
    }
  }

  /**
   * Moves the bookmark of `sinceLast` past these changes: call it when all of them are safe with you. Until then the next reading gives
   * them again. Where the feed was empty for want of versions, nothing moves.
   * @throws UsageError before all rows were read; ConflictError BOOKMARK_MOVED where another reader has moved it meanwhile: these changes
   * are that reader's, and must count for nothing here
   */
  async commit(): Promise<void> {
    const { moveBookmark } = this.#source
    if (moveBookmark === undefined) {
      throw new UsageError('INVALID_ARGUMENT', 'This change feed has no bookmark.', { remedy: 'Read it with sinceLast, which names one.' })
    }
    if (!this.#complete) {
      throw new UsageError('INVALID_ARGUMENT', 'The bookmark stays where it is: the changes have not been read to their end.', {
        remedy: 'Commit after the last row.',
      })
    }
    this.#check()
    const { range } = await this.#start()
    if (range !== undefined && !this.#committed) await moveBookmark(range)
    this.#committed = true
  }

  /** Ends the reading. Reading on afterwards throws AbortedError. */
  async cancel(): Promise<void> {
    this.#abort.abort()
    const started = await this.#started?.catch(() => undefined)
    await started?.first.cancel()
    await this.#reading?.cancel()
    // Nobody else would, where reading has not begun.
    if (!this.#taken) await started?.rest.return(undefined)
  }

  /** All parts, each to be read before the next is asked for. */
  async *#parts(): AsyncGenerator<QueryResult, void, undefined> {
    if (this.#taken) {
      throw new UsageError('INVALID_ARGUMENT', 'The changes have been read already.', { remedy: 'Ask for them again to read them again.' })
    }
    this.#taken = true
    const { first, rest } = await this.#start()
    try {
      for (let part: QueryResult | undefined = first; part !== undefined; part = (await rest.next()).value ?? undefined) {
        this.#check()
        this.#reading = part
        yield part
      }
      this.#check()
      this.#complete = true
    } finally {
      await rest.return(undefined)
    }
  }

  #start(): Promise<Started> {
    this.#started ??= this.#open()
    return this.#started
  }

  async #open(): Promise<Started> {
    this.#check()
    const { range, origin, parts } = await this.#source.open(this.#signal)
    const { value: first } = await parts.next()
    if (first === undefined) throw new Error('a feed has at least one part')
    return { range, origin, first, rest: parts }
  }

  /** @internal What was read, once it was. */
  async [readFrom](): Promise<readonly VersionInput[]> {
    const started = await this.#started?.catch(() => undefined)
    return started?.origin === undefined ? [] : versionsRead([started.origin])
  }

  #check(): void {
    if (this.#signal.aborted) throw new AbortedError('The reading of changes', this.#signal.reason)
  }

  /** Each part as a file, and from them the one that was asked for: DuckDB cannot add to a Parquet file. */
  async #writeParquet(target: string): Promise<{ rows: number }> {
    const scratch = await scratchFolder('varve-changes-')
    const written: string[] = []
    let rows = 0
    try {
      for await (const part of this.#parts()) {
        const path = `${scratch.folder}/${written.length}.parquet`
        rows += (await part.writeTo(path, { format: 'parquet' })).rows
        written.push(path)
      }
      await joinParquet(written, target, this.#signal)
    } finally {
      await scratch.dispose()
    }
    return { rows }
  }
}

async function joinParquet(paths: readonly string[], target: string, signal: AbortSignal): Promise<void> {
  const store = localStore(dirname(target))
  const staging = await store.stage()
  try {
    let [joined = ''] = paths
    if (paths.length > 1) {
      joined = `${staging.folder}/rows.parquet`
      const connection = await (await trustedEngine()).connect()
      try {
        const sql = `SELECT * FROM read_parquet(${quotePaths(paths)}, hive_partitioning = false)`
        await connection.run(`COPY (${sql}) TO ${quoteLiteral(joined)} (FORMAT parquet, COMPRESSION zstd)`, undefined, { signal })
      } finally {
        await connection.close()
      }
    }
    await store.put(basename(target), { path: joined, size: (await statInput(joined))?.size ?? 0 }, { signal })
  } finally {
    await staging.dispose()
  }
}
