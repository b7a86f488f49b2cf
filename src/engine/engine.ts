/**
 * DuckDB instances: one trusted instance a process, which reads and writes what Varve names; closed instances, which
 * see the folders of one session and nothing else; throw-away instances, which see no file at all and parse what a user typed.
 *
 * All are in memory, take every timestamp as UTC, never fetch an extension, and keep their spilled data in a folder of their own.
 * Memory and threads are options of the process. Neither an instance nor a connection keeps the process alive.
 */
import { availableParallelism, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { v4 as uuid } from 'uuid'
import { UsageError } from '../errors/index.ts'
import { escapePattern, quoteLiteral } from '../schema/quoting.ts'
import { BatchRegistry } from './arrow/arrow-in.ts'
import { type Binding, loadBinding } from './binding.ts'
import { Connection } from './connection.ts'
import { isFatal, toVarveError } from './failures.ts'

/** Options of the process for all instances. */
export interface EngineOptions {
  /** Memory for the trusted instance, as DuckDB writes it (`4GB`, `512MiB`); a closed one gets half. Default: 60% of what the process may use. */
  readonly memoryLimit?: string
  /** Threads of each instance. Default: one a core. */
  readonly threads?: number
  /** The folder under which data that does not fit in memory is spilled. Default: the system's temporary folder. */
  readonly temporaryFolder?: string
}

/** What a closed instance may see. */
export interface ClosedEngineOptions {
  /** Folders whose files its views may open, as absolute local paths. */
  readonly folders: readonly string[]
  /** Single files besides, as absolute local paths. */
  readonly files?: readonly string[]
  /** Creates the views, with the folders already the only ones that can be opened. Afterwards the configuration is locked. */
  readonly setup?: (connection: Connection) => Promise<void>
}

/** One DuckDB instance. */
export class Engine {
  readonly #binding: Binding
  readonly #database: Database
  readonly #memory: number
  readonly #batches: BatchRegistry
  readonly #connections = new Set<Connection>()
  #broken = false
  #closing: Promise<void> | undefined

  /** @internal */
  constructor(binding: Binding, database: Database, memory: number) {
    this.#binding = binding
    this.#database = database
    this.#memory = memory
    this.#batches = new BatchRegistry(binding)
  }

  /** Whether the instance can be used: neither closed nor given up by DuckDB after an internal failure. */
  get usable(): boolean {
    return !this.#broken && this.#closing === undefined
  }

  /** A new connection. Connections are cheap; each runs one statement at a time. @throws UsageError INVALID_ARGUMENT after close */
  async connect(): Promise<Connection> {
    if (this.#closing !== undefined) {
      throw new UsageError('INVALID_ARGUMENT', 'The engine is closed.', { remedy: 'Open the session again.' })
    }
    const native = await this.#binding.connect(this.#database)
    const connection = new Connection(this.#binding, native, {
      batches: this.#batches,
      aheadBytes: Math.min(mostAhead, Math.floor(this.#memory / 16)),
      failed: (failure) => {
        this.#broken ||= isFatal(failure)
      },
      closed: (one) => {
        this.#connections.delete(one)
      },
    })
    this.#connections.add(connection)
    return connection
  }

  /** Interrupts and closes every connection, then the instance. Closing again does nothing. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.close()))
    this.#binding.close_sync(this.#database)
  }
}

type Database = Awaited<ReturnType<Binding['open']>>

/** How many bytes a stream of values of fixed length may run ahead of its reader. */
const mostAhead = 64 * 2 ** 20

/** A connection sets how far its streams run ahead, and nothing else. */
const lockConfiguration = "SET allowed_configs = ['streaming_buffer_size']; SET lock_configuration = true"

let configured: EngineOptions = {}
let trusted: Promise<Engine> | undefined

/**
 * Sets options for the whole process. An instance that runs already takes on the new memory limit and threads; the temporary folder
 * holds for instances opened afterwards. @throws UsageError INVALID_ARGUMENT for a value that DuckDB refuses
 */
export async function configureEngine(options: EngineOptions): Promise<void> {
  if (options.threads !== undefined && !(Number.isInteger(options.threads) && options.threads >= 1)) {
    throw invalidOption('threads', String(options.threads), 'Give a whole number of at least 1.')
  }
  if (options.memoryLimit !== undefined && !/^\d+(\.\d+)?\s*(B|[KMGT]i?B)$/i.test(options.memoryLimit.trim())) {
    throw invalidOption('memoryLimit', options.memoryLimit, 'Write it as 4GB or 512MiB.')
  }
  configured = { ...configured, ...options }
  if (trusted === undefined) return
  const connection = await (await trusted).connect()
  try {
    await connection.run(`SET threads = ${threads()}; SET memory_limit = '${bytes()}B'`)
  } finally {
    await connection.close()
  }
}

/** The process's one instance that may read and write what Varve names. Opened on first use. */
export async function trustedEngine(): Promise<Engine> {
  trusted ??= openEngine({ memory: bytes() })
  const engine = await trusted
  if (engine.usable) return engine
  trusted = undefined
  return trustedEngine()
}

/** A new instance that can open only what lies in the folders given, and whose configuration can no longer be changed. */
export async function closedEngine(options: ClosedEngineOptions): Promise<Engine> {
  const engine = await openEngine({ memory: Math.ceil(bytes() / 2) })
  try {
    const connection = await engine.connect()
    const folders = bothSpellings(options.folders)
    const files = bothSpellings(options.files ?? [])
    await connection.run(`SET allowed_directories = [${folders}]; SET allowed_paths = [${files}]; SET enable_external_access = false`)
    await options.setup?.(connection)
    await connection.run(lockConfiguration)
    await connection.close()
    return engine
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** A new instance that can open no file: for parsing what a user typed. One thread, little memory. */
export async function throwAwayEngine(): Promise<Engine> {
  const engine = await openEngine({ memory: 128 * 2 ** 20, threads: 1 })
  try {
    const connection = await engine.connect()
    await connection.run(`SET enable_external_access = false; ${lockConfiguration}`)
    await connection.close()
    return engine
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** Readers are given a name as the pattern that means it, and DuckDB holds the pattern against the list before what it finds. */
function bothSpellings(paths: readonly string[]): string {
  return [...new Set(paths.flatMap((path) => [path, escapePattern(path)]))].map(quoteLiteral).join(', ')
}

async function openEngine(limits: { memory: number; threads?: number }): Promise<Engine> {
  const binding = await loadBinding()
  const config = binding.create_config()
  const settings: Record<string, string> = {
    threads: String(limits.threads ?? threads()),
    memory_limit: `${limits.memory}B`,
    // DuckDB makes it when it first spills and removes it at the end.
    temp_directory: join(configured.temporaryFolder ?? tmpdir(), `varve-spill-${uuid()}`),
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
    // Rows that come in sorted stay sorted, so that statistics of files can prune.
    preserve_insertion_order: 'true',
  }
  for (const [name, value] of Object.entries(settings)) binding.set_config(config, name, value)
  try {
    const engine = new Engine(binding, await binding.open(':memory:', config), limits.memory)
    const connection = await engine.connect()
    await connection.run("SET GLOBAL TimeZone = 'UTC'")
    await connection.close()
    return engine
  } catch (failure) {
    throw toVarveError(failure)
  }
}

function threads(): number {
  return configured.threads ?? availableParallelism()
}

/** The memory limit in bytes. */
function bytes(): number {
  if (configured.memoryLimit === undefined) return Math.floor(0.6 * availableMemory())
  const [, number, unit] = /^([\d.]+)\s*([a-z]+)$/i.exec(configured.memoryLimit.trim()) as unknown as [string, string, string]
  const power = 'BKMGT'.indexOf(unit[0]!.toUpperCase())
  return Math.floor(Number(number) * (unit.length === 3 ? 1024 : 1000) ** power)
}

/** What the process may use: the machine's memory, or less in a container. */
function availableMemory(): number {
  const constrained = process.constrainedMemory?.() ?? 0
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem()
}

function invalidOption(name: string, value: string, remedy: string): UsageError {
  return new UsageError('INVALID_ARGUMENT', `${value} is no value for the option ${name} of the engine.`, {
    remedy,
    data: { option: name },
  })
}
