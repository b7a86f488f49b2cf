/**
 * The runs of a table: what was trained on its versions. `table.run` is one of these.
 *
 * version ─ runs that read it: `list({ version })`, and `runs` of a version's description and history
 * run ─ versions that it read, each with its fingerprints: `data`
 */
import { UsageError, VersionNotFoundError } from '../../errors/index.ts'
import type { DeltaLog } from '../../log/index.ts'
import { type AsOf, stateAsOf } from '../../query/as-of.ts'
import { currentAuthor } from '../git.ts'
import { beginRun, type RunOptions } from './begin.ts'
import { compareRuns, type RunComparison } from './compare.ts'
import { releaseElsewhere } from './data.ts'
import { type ExecOptions, execute } from './execute.ts'
import { metricFilter } from './metric-filter.ts'
import { forEachRun, listParts, putPart, type RunParts, readDetails, readRun, readStart } from './records.ts'
import { type RowCondition, versionsWithRow } from './row-filter.ts'
import type { RunDetails, TrainingRun } from './run.ts'
import { checkedResult, RunHandle, type RunResult } from './run-handle.ts'

/** Which runs are wanted. */
export interface RunFilter {
  /** A condition on final metrics, such as `auc > 0.9 AND loss < 0.3`. A metric that a run lacks is NULL. */
  readonly whereMetric?: string | undefined
  /** A condition on rows: runs that read a version of this table with such a row. In DuckDB's SQL, as after WHERE. */
  readonly row?: string | RowCondition | undefined
  /** Runs that read this version of the table. */
  readonly version?: AsOf | undefined
  /** Called for a version that {@link row} could not be asked of: it ended, or lacks a column. Runs on it are not found. */
  readonly onUnknown?: ((version: number, error: Error) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Options of {@link Runs.retire}. */
export interface RetireOptions {
  /** Why, for people. */
  readonly message?: string | undefined
  /** Default: Git's user in the current folder, else the operating system's. */
  readonly author?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** The runs of a table. A run is named by its id, by the beginning of it that no other has, or by its name where no other has that. */
export class Runs {
  readonly #log: DeltaLog

  /** @internal */
  constructor(log: DeltaLog) {
    this.#log = log
  }

  /**
   * Records a run that is over. What it ran on is looked for here: the code, the packages and the machine of the current process.
   * @throws UsageError INVALID_ARGUMENT; InputError INPUT_NOT_FOUND, INPUT_CORRUPT for a model or metrics that are not there, with nothing recorded; and what
   * {@link start} throws
   */
  async record(run: RunOptions & RunResult = {}): Promise<TrainingRun> {
    const { end, values } = await checkedResult(run, run.signal)
    const handle = await this.#begin(run, run.model)
    await handle.end({ ...end, end: run.end ?? new Date() }, values)
    return this.show(handle.id, run)
  }

  /**
   * Begins a run: what it reads, with its three fingerprints, and what it runs on is recorded at once, and its versions are held from then on,
   * until it fails or is retired. A crash leaves what was recorded, and the run is shown as `unfinished`.
   * @throws UsageError INVALID_ARGUMENT; VersionNotFoundError, also where a vacuum ended a version meanwhile; DataFileError where computing
   * a fingerprint finds a file damaged; UnknownOutcomeError; LogError; storage errors
   */
  async start(options: RunOptions = {}): Promise<RunHandle> {
    return this.#begin(options)
  }

  /**
   * Runs a command as a run: verifies the data, records the start, tells the command through its environment what it needs (`VARVE_DATA`,
   * `VARVE_VERSION`, `VARVE_SEED`, `VARVE_PARAMS`, `VARVE_METRICS`), and records how it ended, with the metrics that it wrote. Its streams are those of
   * this process. A command that fails is a run that failed, and no error.
   * @returns The run, and the command's exit code; 128 and the signal's number where a signal ended it, 127 where there is no such command.
   * @throws VerificationError DATA_DIFFERS, DataFileError DATA_NOT_VERIFIED with nothing started or recorded; AbortedError; and what
   * {@link start} throws
   */
  async exec(command: readonly string[], options: ExecOptions = {}): Promise<{ run: RunDetails; exitCode: number }> {
    const { id, exitCode } = await execute(this.#log, command, options)
    return { run: await this.show(id), exitCode }
  }

  /** The runs, newest first. @throws UsageError INVALID_ARGUMENT; QueryError for a condition on rows; LogError RECORD_CORRUPT; storage errors */
  async list({ whereMetric, row, version, onUnknown, signal }: RunFilter = {}): Promise<TrainingRun[]> {
    const chosen = whereMetric === undefined ? () => true : metricFilter(whereMetric)
    const at = version === undefined ? undefined : await versionOf(this.#log, version, signal)
    const all = await forEachRun(await listParts(this.#log.store, signal), (parts) => readRun(this.#log.store, parts, signal))
    const found = all.filter((run) => chosen(run.metrics) && (at === undefined || readsVersion(run, at)))
    const runs = row === undefined ? found : await this.#withRow(found, row, onUnknown, signal)
    return runs.sort((a, b) => b.start.getTime() - a.start.getTime() || (a.id < b.id ? -1 : 1))
  }

  /** All that is known of a run. @throws UsageError RUN_NOT_FOUND, RUN_AMBIGUOUS; LogError RECORD_CORRUPT; storage errors */
  async show(run: string, { signal }: { readonly signal?: AbortSignal | undefined } = {}): Promise<RunDetails> {
    return readDetails(this.#log.store, await this.#find(run, signal), signal)
  }

  /** What differs between two runs. @throws what {@link show} throws */
  async compare(a: string, b: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<RunComparison> {
    return compareRuns(await this.show(a, options), await this.show(b, options))
  }

  /**
   * Retires a run: its model is no longer in use, and its versions need not be held for it any more. What is recorded of it stays. One that
   * was retired stays as it was.
   * @throws UsageError RUN_NOT_FOUND, RUN_AMBIGUOUS; UnknownOutcomeError; storage errors
   */
  async retire(run: string, { message, author, signal }: RetireOptions = {}): Promise<TrainingRun> {
    const { store } = this.#log
    const { id } = await this.#find(run, signal)
    const mark = { time: new Date(), author: author ?? (await currentAuthor()), message: message ?? null }
    await putPart(store, id, 'retired', mark, signal)
    const retired = await this.show(id, { signal })
    await releaseElsewhere(retired.data, signal)
    return retired
  }

  async #begin(options: RunOptions, model?: string): Promise<RunHandle> {
    const { id, start } = await beginRun(this.#log, options, { model })
    return new RunHandle(this.#log, id, start)
  }

  async #withRow(
    runs: readonly TrainingRun[],
    row: string | RowCondition,
    onUnknown: RunFilter['onUnknown'],
    signal: AbortSignal | undefined,
  ): Promise<TrainingRun[]> {
    const read = runs.flatMap(({ data }) => data.filter(({ own }) => own))
    const found = await versionsWithRow(this.#log, read, typeof row === 'string' ? { where: row } : row, onUnknown, signal)
    return runs.filter((run) => [...found].some((version) => readsVersion(run, version)))
  }

  async #find(run: string, signal: AbortSignal | undefined): Promise<RunParts> {
    const { store } = this.#log
    const all = await listParts(store, signal)
    const text = run.toLowerCase()
    const byId = text === '' ? [] : all.filter(({ id }) => id.startsWith(text))
    const exact = byId.find(({ id }) => id === text)
    if (exact) return exact
    const named = await forEachRun(all, async (parts) => ((await readStart(store, parts, signal)).name === run ? [parts] : []))
    const found = [...new Set([...byId, ...named.flat()])]
    if (found.length === 1) return found[0]!
    if (found.length === 0) {
      throw new UsageError('RUN_NOT_FOUND', `The table ${store.root} has no run ${JSON.stringify(run)}.`, {
        remedy: all.length === 0 ? 'Record one: varve run record, varve run exec.' : 'varve runs lists the ids.',
        data: { root: store.root, run },
      })
    }
    throw new UsageError('RUN_AMBIGUOUS', `${found.length} runs of ${store.root} could be meant by ${JSON.stringify(run)}.`, {
      remedy: `Write more of the id: ${found
        .slice(0, 10)
        .map(({ id }) => id)
        .join(', ')}.`,
      data: { root: store.root, run, runs: found.map(({ id }) => id) },
    })
  }
}

function readsVersion({ data }: TrainingRun, version: number): boolean {
  return data.some((one) => one.own && one.version === version)
}

/** A version that ended may still have its runs. */
async function versionOf(log: DeltaLog, point: AsOf, signal: AbortSignal | undefined): Promise<number> {
  try {
    return (await stateAsOf(log, point, signal)).version
  } catch (error) {
    const number = typeof point === 'number' ? point : 'version' in point ? point.version : undefined
    if (error instanceof VersionNotFoundError && number !== undefined && number <= log.latest.version) return number
    throw error
  }
}
