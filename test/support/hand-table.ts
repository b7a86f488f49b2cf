/**
 * Tables of which every action is the test's own: Parquet files that DuckDB writes from SQL, and commits as lists of actions. What no writer
 * of ours makes yet, or none should, can be made here.
 */
import { mkdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { trustedEngine } from '../../src/engine/index.ts'
import type { Action, Add, Cdc, DeletionVectorDescriptor, Metadata, Protocol, Remove } from '../../src/log/actions.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import type { StructField } from '../../src/schema/types.ts'
import { setTime } from './file-times.ts'

/** The first commit's time, where a test names none; each version comes a minute later. */
export const firstTime = Date.UTC(2026, 0, 1)

/** A field of a schema; metadata as of a mapped column. */
export function column(name: string, type: StructField['type'], more: Partial<StructField> = {}): StructField {
  return { name, type, nullable: true, metadata: {}, ...more }
}

/** The metadata of a mapped column. */
export function mapped(id: number, physicalName: string): Pick<StructField, 'metadata'> {
  return { metadata: { 'delta.columnMapping.id': id, 'delta.columnMapping.physicalName': physicalName } }
}

/** A metaData action. The change feed is on unless the configuration says otherwise. */
export function metaData(fields: readonly StructField[], more: Partial<Metadata> = {}): Action {
  const configuration = { 'delta.enableChangeDataFeed': 'true', ...more.configuration }
  return {
    metaData: {
      id: 'by-hand',
      format: { provider: 'parquet', options: {} },
      schemaString: JSON.stringify({ type: 'struct', fields }),
      partitionColumns: [],
      ...more,
      configuration,
    },
  }
}

/** A protocol with the features that hand-made tables use. */
export function protocol(more: Partial<Protocol> = {}): Action {
  const both = ['columnMapping', 'deletionVectors', 'typeWidening']
  return {
    protocol: {
      minReaderVersion: 3,
      minWriterVersion: 7,
      readerFeatures: both,
      writerFeatures: [...both, 'changeDataFeed', 'inCommitTimestamp'],
      ...more,
    },
  }
}

/** A table by hand. */
export class HandTable {
  readonly folder: string
  #version = -1
  #files = 0

  constructor(folder: string) {
    this.folder = folder
    mkdirSync(join(folder, '_delta_log'), { recursive: true })
  }

  /** The newest version. */
  get version(): number {
    return this.#version
  }

  /** Writes a Parquet file of a SELECT. @returns its path in the table */
  async file(select: string, options: { readonly path?: string; readonly copy?: string } = {}): Promise<string> {
    this.#files += 1
    const path = options.path ?? `part-${this.#files}.parquet`
    mkdirSync(dirname(join(this.folder, path)), { recursive: true })
    const connection = await (await trustedEngine()).connect()
    try {
      await connection.run(
        `COPY (${select}) TO ${quoteLiteral(join(this.folder, path))} (FORMAT parquet${options.copy === undefined ? '' : `, ${options.copy}`})`,
      )
    } finally {
      await connection.close()
    }
    return path
  }

  /** Commits the next version. @param time When, in milliseconds since the epoch. @returns the version */
  commit(actions: readonly Action[], time = firstTime + (this.#version + 1) * 60_000): number {
    this.#version += 1
    const path = this.log(this.#version)
    writeFileSync(path, actions.map((action) => `${JSON.stringify(action)}\n`).join(''))
    setTime(path, new Date(time))
    return this.#version
  }

  /** The file of a commit. */
  log(version: number): string {
    return join(this.folder, '_delta_log', `${String(version).padStart(20, '0')}.json`)
  }

  add(path: string, more: Partial<Add> = {}): Action {
    return {
      add: { path, partitionValues: {}, size: statSync(join(this.folder, path)).size, modificationTime: 0, dataChange: true, ...more },
    }
  }

  remove(path: string, more: Partial<Remove> = {}): Action {
    return { remove: { path, deletionTimestamp: 0, dataChange: true, extendedFileMetadata: true, partitionValues: {}, ...more } }
  }

  cdc(path: string, more: Partial<Cdc> = {}): Action {
    return { cdc: { path, partitionValues: {}, size: statSync(join(this.folder, path)).size, dataChange: false, ...more } }
  }
}

/** An action's deletion vector, where it has one. */
export function withVector(vector: DeletionVectorDescriptor | undefined): { readonly deletionVector?: DeletionVectorDescriptor } {
  return vector === undefined ? {} : { deletionVector: vector }
}
