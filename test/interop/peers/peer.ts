/**
 * The other engines as functions: one Python process for Spark and one for delta-rs and DuckDB's extension, started when first used
 * and shared by the whole run (all test files run in one worker). They end with the worker, whose end closes their stdin.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { CanonicalRow } from './canonical.ts'
import { deltaJars, interopFolder, python } from './install.ts'

/** What to read: a version (default: the latest) and a predicate in the engine's SQL. */
export interface ReadRequest {
  readonly version?: number
  readonly where?: string
}

/** An engine that reads Delta tables. */
export interface Reader {
  readonly name: 'Spark' | 'delta-rs' | 'DuckDB'
  read(path: string, request?: ReadRequest): Promise<CanonicalRow[]>
}

/** A line of Spark's DESCRIBE HISTORY. */
export interface SparkHistory {
  readonly version: number
  readonly operation: string
  readonly operationParameters: Readonly<Record<string, string>>
  readonly operationMetrics: Readonly<Record<string, string>>
  readonly userMetadata: string | null
  readonly engineInfo: string | null
  readonly isBlindAppend: boolean | null
  readonly timestamp: string
}

/** How another engine appends the rows of a query in its own SQL (DuckDB's for delta-rs). */
export interface AppendRequest {
  readonly partitionBy?: readonly string[]
  /** `overwrite` creates. Default `append`. */
  readonly mode?: 'append' | 'overwrite'
}

class Server {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #next = 0

  constructor(script: string, env: NodeJS.ProcessEnv) {
    const file = fileURLToPath(new URL(script, import.meta.url))
    this.#child = spawn(python, [file], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env, PYTHONDONTWRITEBYTECODE: '1' } })
    this.#child.stderr!.pipe(createWriteStream(join(interopFolder, `${script}.log`)))
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#answer(line))
    this.#child.once('exit', (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${script} ended with ${code}; see .interop/${script}.log`))
      this.#waiting.clear()
    })
  }

  call(op: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    const id = this.#next++
    this.#hold(true)
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.stdin!.write(`${JSON.stringify({ id, op, ...args })}\n`)
    })
  }

  #answer(line: string): void {
    // Spark's VACUUM prints a line of its own there.
    if (!line.startsWith('{')) return
    const { id, result, error } = JSON.parse(line) as { id: number; result?: unknown; error?: string }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (this.#waiting.size === 0) this.#hold(false)
    if (error === undefined) waiting?.resolve(result)
    else waiting?.reject(new Error(error))
  }

  // An idle server must not keep the worker alive.
  #hold(busy: boolean): void {
    for (const handle of [this.#child, this.#child.stdout, this.#child.stderr, this.#child.stdin] as { ref?(): void; unref?(): void }[]) {
      if (busy) handle.ref?.()
      else handle.unref?.()
    }
  }
}

let sparkServer: Promise<Server> | undefined
let arrowServer: Server | undefined

async function callSpark(op: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
  sparkServer ??= (async () => {
    const scratch = join(interopFolder, 'scratch')
    await mkdir(scratch, { recursive: true })
    return new Server('spark_server.py', { VARVE_DELTA_JARS: (await deltaJars()).join(','), VARVE_SCRATCH: scratch })
  })()
  return (await sparkServer).call(op, args)
}

function callArrow(op: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
  arrowServer ??= new Server('arrow_server.py', {})
  return arrowServer.call(op, args)
}

/** Spark 4.1 with Delta 4.4. */
export const spark = {
  name: 'Spark',
  read: (path: string, request: ReadRequest = {}) => callSpark('read', { path, ...request }) as Promise<CanonicalRow[]>,
  readAt: (path: string, timestamp: string) => callSpark('read', { path, timestamp }) as Promise<CanonicalRow[]>,
  /** The rows of each version, with fields of `_metadata` behind the columns. */
  readVersions: (path: string, versions: readonly number[], metadata: readonly string[] = []) =>
    callSpark('read_versions', { path, versions, metadata }) as Promise<CanonicalRow[][]>,
  /** The change feed of versions, both meant. */
  changes: (path: string, first: number, last: number) => callSpark('changes', { path, first, last }) as Promise<CanonicalRow[]>,
  /** Writes a checkpoint of the newest version. */
  checkpoint: async (path: string) => {
    await callSpark('checkpoint', { path })
  },
  count: (path: string, version?: number) => callSpark('count', { path, version }) as Promise<number>,
  sql: (text: string) => callSpark('sql', { text }) as Promise<CanonicalRow[]>,
  /** Statements one after the other, each run again until no other writer is in its way. @returns how often one was */
  sqlRetried: (texts: readonly string[]) => callSpark('sql_retried', { texts }) as Promise<number>,
  history: (path: string) => callSpark('history', { path }) as Promise<SparkHistory[]>,
  append: async (
    path: string,
    query: string,
    { partitionBy, mode, options }: AppendRequest & { options?: Record<string, string> } = {},
  ) => {
    await callSpark('append', { path, query, options, partition_by: partitionBy, ...(mode && { mode }) })
  },
  appendMany: async (path: string, queries: readonly string[]) => {
    await callSpark('append_many', { path, queries })
  },
  configure: async (key: string, value: string) => {
    await callSpark('configure', { key, value })
  },
} as const satisfies Reader & Record<string, unknown>

/** delta-rs 1.6.6, by Python. */
export const deltaRs = {
  name: 'delta-rs',
  read: (path: string, request: ReadRequest = {}) => callArrow('rs_read', { path, ...request }) as Promise<CanonicalRow[]>,
  version: (path: string) => callArrow('rs_version', { path }) as Promise<number>,
  history: (path: string) => callArrow('rs_history', { path }) as Promise<Record<string, unknown>[]>,
  append: async (
    path: string,
    query: string,
    {
      partitionBy,
      mode,
      txn,
      configuration,
    }: AppendRequest & { txn?: { appId: string; version: number }; configuration?: Record<string, string> } = {},
  ) => (await callArrow('rs_append', { path, query, txn, configuration, partition_by: partitionBy, ...(mode && { mode }) })) as number,
  checkpoint: async (path: string) => {
    await callArrow('rs_checkpoint', { path })
  },
  txnVersion: (path: string, appId: string) => callArrow('rs_txn', { path, app_id: appId }) as Promise<number | null>,
} as const satisfies Reader & Record<string, unknown>

/** DuckDB 1.5.5 with its Delta extension, by Python. */
export const duckDelta = {
  name: 'DuckDB',
  read: (path: string, request: ReadRequest = {}) => callArrow('duck_read', { path, ...request }) as Promise<CanonicalRow[]>,
  insert: async (path: string, query: string) => {
    await callArrow('duck_insert', { path, query })
  },
  writeParquet: async (path: string, query: string) => {
    await callArrow('duck_parquet', { path, query })
  },
  /** The canonical rows of a query over no table: literals for the comparison's own test. */
  canonical: (query: string) => callArrow('canonical_of', { query }) as Promise<CanonicalRow[]>,
} as const satisfies Reader & Record<string, unknown>

/** All readers. */
export const readers: readonly Reader[] = [spark, deltaRs, duckDelta]
