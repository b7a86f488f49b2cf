/**
 * Where a version comes from, across tables: its parents, and what each of them was made from; with the runs that read them.
 *
 *   a version ─ the versions before it ─ of each what was read for it: files, queries, versions of other tables ─ the same of those
 *
 * A table that was read is looked for where it lay from the table that was written, and then where it lay at all. It is recognised by the id
 * of the version. What is missing, what has ended and what is another table is said, and not walked on. Every version is walked once, so
 * cycles end.
 */
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { VarveError } from '../../errors/index.ts'
import { DeltaLog, type TableInput, type VersionInput } from '../../log/index.ts'
import { type AsOf, stateAsOf } from '../../query/as-of.ts'
import { openStore } from '../../storage/index.ts'
import { type HistoryEntry, historyOf } from './history.ts'

/** A version in a lineage. */
export interface LineageVersion {
  readonly kind: 'version'
  readonly key: string
  /** The table's root, as a URL: where it was found, or where it was. */
  readonly table: string
  readonly version: number
  /**
   * `found`; `unchecked`: found, and no id was recorded to know it by; `other`: what lies there is another table, or has another history;
   * `ended`: the table is there, and the version cannot be read any more; `missing`: there is no table that can be read.
   */
  readonly state: 'found' | 'unchecked' | 'other' | 'ended' | 'missing'
  /** What its history says of it, where it was found. */
  readonly entry: HistoryEntry | null
}

/** A file in a lineage. Files of one name and hash are one. */
export interface LineageFile {
  readonly kind: 'file'
  readonly key: string
  readonly file: string
  readonly bytes: number | null
  readonly sha256: string | null
}

/** A query in a lineage. */
export interface LineageQuery {
  readonly kind: 'query'
  readonly key: string
  readonly query: string
}

/** A run that read a version. */
export interface LineageRun {
  readonly kind: 'run'
  readonly key: string
  readonly id: string
  readonly name: string | null
}

/** What a version comes from, and what was trained on it. */
export type LineageNode = LineageVersion | LineageFile | LineageQuery | LineageRun

/** What was made from what: the version `to` follows the version `from` (`parent`), or was made by reading it (`input`); the run `to` read it (`run`). */
export interface LineageEdge {
  readonly from: string
  readonly to: string
  readonly kind: 'parent' | 'input' | 'run'
}

/** See the module. */
export interface Lineage {
  /** The key of the version that was asked for. */
  readonly of: string
  readonly nodes: readonly LineageNode[]
  readonly edges: readonly LineageEdge[]
  /** Whether some table has more versions than were walked. */
  readonly cut: boolean
}

/** Options of {@link lineageOf}. */
export interface LineageOptions {
  /** The version to begin with. Default: the newest. */
  readonly asOf?: AsOf | undefined
  /** At most so many versions of each table. Default: 1,000. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Walks. @throws VersionNotFoundError; LogError and storage errors of the table itself: those of others are told in the lineage */
export async function lineageOf(log: DeltaLog, options: LineageOptions = {}): Promise<Lineage> {
  const { asOf, signal } = options
  const { version } = asOf === undefined ? await log.update(signal) : await stateAsOf(log, asOf, signal)
  const walk = new Walk(log, options)
  await walk.from(log, version, 'found')
  return { of: keyOf(log.store.root, version), nodes: [...walk.nodes.values()], edges: walk.edges, cut: walk.cut }
}

class Walk {
  readonly nodes = new Map<string, LineageNode>()
  readonly edges: LineageEdge[] = []
  cut = false
  readonly #limit: number
  readonly #signal: AbortSignal | undefined
  readonly #opened: Map<string, Promise<DeltaLog | undefined>>
  readonly #waiting: { readonly log: DeltaLog; readonly version: number; readonly state: LineageVersion['state'] }[] = []

  constructor(own: DeltaLog, { limit = 1000, signal }: LineageOptions) {
    this.#limit = limit
    this.#signal = signal
    this.#opened = new Map([[own.store.root, Promise.resolve(own)]])
  }

  async from(own: DeltaLog, version: number, state: LineageVersion['state']): Promise<void> {
    this.#waiting.push({ log: own, version, state })
    await this.#versions(this.#waiting.shift()!)
    while (this.#waiting.length > 0) {
      const next = this.#waiting.shift()!
      await this.#versions(next).catch((error: unknown) => this.#unreadable(next.log, next.version, error))
    }
  }

  /** A version and those before it, as far as nobody walked there. */
  async #versions({ log, version, state }: { log: DeltaLog; version: number; state: LineageVersion['state'] }): Promise<void> {
    const { root } = log.store
    let later: string | undefined
    let walked = 0
    for await (const entry of historyOf(log, { from: version, signal: this.#signal })) {
      if (walked >= this.#limit) {
        this.cut = true
        return
      }
      const key = keyOf(root, entry.version)
      const known = this.nodes.get(key)
      if (later !== undefined) this.edges.push({ from: key, to: later, kind: 'parent' })
      if (known?.kind === 'version' && known.entry !== null) return
      this.nodes.set(key, { kind: 'version', key, table: root, version: entry.version, state: walked === 0 ? state : 'found', entry })
      for (const [at, input] of entry.inputs.entries()) await this.#input(log, key, at, input)
      for (const run of entry.runs) this.#run(key, run)
      later = key
      walked += 1
    }
  }

  async #input(log: DeltaLog, to: string, at: number, input: VersionInput): Promise<void> {
    const from = 'table' in input ? await this.#table(log, input) : this.#leaf(to, at, input)
    this.edges.push({ from, to, kind: 'input' })
  }

  #run(from: string, { id, name }: HistoryEntry['runs'][number]): void {
    const key = `run ${id}`
    this.nodes.set(key, { kind: 'run', key, id, name })
    this.edges.push({ from, to: key, kind: 'run' })
  }

  #leaf(to: string, at: number, input: Exclude<VersionInput, TableInput>): string {
    if ('query' in input) {
      const key = `query ${at} of ${to}`
      this.nodes.set(key, { kind: 'query', key, query: input.query })
      return key
    }
    const { file, bytes = null, sha256 = null } = input
    const key = sha256 === null ? `file ${at} of ${to}` : `file ${sha256} ${file}`
    this.nodes.set(key, { kind: 'file', key, file, bytes, sha256 })
    return key
  }

  /** A version of a table: where it is found, it waits to be walked. @returns its key */
  async #table(log: DeltaLog, input: TableInput): Promise<string> {
    const { version } = input
    const places: { readonly log: DeltaLog | undefined; readonly root: string; readonly state: LineageVersion['state'] }[] = []
    for (const root of placesOf(log.store.root, input)) {
      const there = await this.#open(root)
      const state = there === undefined ? 'missing' : await this.#recognise(there, input)
      places.push({ log: there, root: there?.store.root ?? root, state })
      if (state === 'found') break
    }
    const best = states.flatMap((state) => places.filter((place) => place.state === state))[0]!
    const key = keyOf(best.root, version)
    if (best.log !== undefined && (best.state === 'found' || best.state === 'unchecked')) {
      this.#waiting.push({ log: best.log, version, state: best.state })
      if (!this.nodes.has(key)) this.nodes.set(key, unread(key, best.root, version, best.state))
      return key
    }
    // A version that is not the one that was read has a key of its own.
    const own = `${key} ${best.state} ${input.id}`
    this.nodes.set(own, unread(own, best.root, version, best.state))
    return own
  }

  #open(root: string): Promise<DeltaLog | undefined> {
    const known = this.#opened.get(root)
    if (known !== undefined) return known
    const opened = openLog(root, this.#signal)
    this.#opened.set(root, opened)
    return opened
  }

  async #recognise(log: DeltaLog, { version, id }: TableInput): Promise<LineageVersion['state']> {
    try {
      if (!(await log.has(version, this.#signal))) return version > log.latest.version ? 'other' : 'ended'
      const there = id === null ? null : await log.computeId(version, this.#signal)
      return there === null || id === null ? 'unchecked' : there === id ? 'found' : 'other'
    } catch (error) {
      if (!(error instanceof VarveError) || this.#signal?.aborted) throw error
      return 'missing'
    }
  }

  #unreadable(log: DeltaLog, version: number, error: unknown): void {
    if (!(error instanceof VarveError) || this.#signal?.aborted) throw error
    const key = keyOf(log.store.root, version)
    this.nodes.set(key, unread(key, log.store.root, version, 'missing'))
  }
}

/** States, the best first. */
const states: readonly LineageVersion['state'][] = ['found', 'unchecked', 'ended', 'other', 'missing']

function unread(key: string, table: string, version: number, state: LineageVersion['state']): LineageVersion {
  return { kind: 'version', key, table, version, state, entry: null }
}

function keyOf(root: string, version: number): string {
  return `${root}@${version}`
}

/** The roots where a table that was read may lie. */
function placesOf(root: string, { table, path }: TableInput): string[] {
  if (path === undefined || !root.startsWith('file://')) return [table]
  return [...new Set([pathToFileURL(resolve(fileURLToPath(root), path)).href, table])]
}

/** Opens a table that a log names; what is no folder here is not asked for. */
async function openLog(root: string, signal: AbortSignal | undefined): Promise<DeltaLog | undefined> {
  if (!root.startsWith('file://')) return undefined
  try {
    return await DeltaLog.open(openStore(root), signal)
  } catch (error) {
    if (!(error instanceof VarveError) || signal?.aborted) throw error
    return undefined
  }
}
