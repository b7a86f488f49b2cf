/** A run on its way: its metrics are recorded as they come, and its end once. */
import { UsageError } from '../../errors/index.ts'
import type { DeltaLog } from '../../log/index.ts'
import { releaseElsewhere } from './data.ts'
import { checkedMetrics, type FlatMetric, finalValues, lastValues, type MetricValues } from './metrics.ts'
import { requiredMetrics } from './metrics-file.ts'
import { hashModel } from './model.ts'
import { putEnd, putPoints, type RunEnd, type RunStart } from './records.ts'
import type { MetricPoint } from './run.ts'

/** How a run ended. */
export interface RunResult {
  /** Default `finished`. */
  readonly status?: 'finished' | 'failed' | undefined
  /** Final values; a list is by step. */
  readonly metrics?: MetricValues | undefined
  /** A file of more: one JSON object as `metrics` has it, or JSON lines, of which those with a `step` are of that step. */
  readonly metricsFile?: string | undefined
  /** A file or a folder that the run made: its hash is recorded. */
  readonly model?: string | undefined
  /** Of the command that it ran. */
  readonly exitCode?: number | undefined
  /** When it ended. Default: the current time. */
  readonly end?: Date | undefined
}

/** Values of one record of metrics. */
const most = 10_000

/** A run that has begun. Made by `table.run.start`. */
export class RunHandle {
  readonly id: string
  /** The version of this table that it reads; the first of them. */
  readonly version: number
  readonly #log: DeltaLog
  readonly #start: RunStart
  /** The last value of each metric. */
  #last = new Map<string, FlatMetric>()
  #waiting: MetricPoint[] = []
  #written = 0
  #current: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined
  #ending = false

  /** @internal */
  constructor(log: DeltaLog, id: string, start: RunStart) {
    this.#log = log
    this.#start = start
    this.id = id
    this.version = start.versions[0]!
  }

  /**
   * Records a value of a metric, at a step, or without one as its final value. It is safe when the promise resolves; values that come while
   * others are being written go together, so one need not wait for each.
   * @throws UsageError INVALID_ARGUMENT for what is no number; UnknownOutcomeError; storage errors
   */
  async metric(name: string, value: number, step?: number): Promise<void> {
    return this.add(checkedMetrics({ [name]: value }, step ?? null))
  }

  /** The same for several metrics of one step. @throws what {@link metric} throws */
  async metrics(values: MetricValues, step?: number): Promise<void> {
    return this.add(checkedMetrics(values, step ?? null))
  }

  /**
   * Records the end, with the metrics that were given on the way: of each the value without a step, else the last.
   * @throws UsageError RUN_ENDED where it has one; InputError INPUT_NOT_FOUND, INPUT_CORRUPT for a model or metrics that are not there, with nothing recorded;
   * UnknownOutcomeError; storage errors
   */
  async finish(result: RunResult = {}): Promise<void> {
    const { end, values } = await checkedResult(result)
    await this.end(end, values)
  }

  /** @internal Whether its end was tried to be recorded. */
  get ending(): boolean {
    return this.#ending
  }

  /** @internal Records an end and metrics that came with it. */
  async end(end: Omit<RunEnd, 'metrics'>, values: readonly FlatMetric[]): Promise<void> {
    const { store } = this.#log
    this.#ending = true
    // Final values stand in the record of the end.
    await this.add(values.filter(({ step }) => step !== null))
    const final = finalValues([...this.#last.values(), ...values.filter(({ step }) => step === null)])
    if (!(await putEnd(store, this.id, { ...end, metrics: final }))) {
      throw new UsageError('RUN_ENDED', `The run ${this.id} of ${store.root} has its end already.`, {
        remedy: 'Record another run; what is recorded never changes.',
        data: { root: store.root, run: this.id },
      })
    }
    if (end.status === 'failed') await releaseElsewhere(this.#start.data)
  }

  /** @internal Records values. */
  add(values: readonly FlatMetric[]): Promise<void> {
    const time = new Date()
    for (const value of values) this.#waiting.push({ ...value, time })
    this.#last = lastValues([...this.#last.values(), ...values])
    if (this.#waiting.length === 0) return this.#current
    if (this.#next === undefined) {
      this.#next = this.#current.then(
        () => this.#write(),
        () => this.#write(),
      )
      this.#current = this.#next
      // Who does not wait for it hears of a failure at the end, which writes again what was not written.
      this.#next.catch(() => undefined)
    }
    return this.#next
  }

  async #write(): Promise<void> {
    this.#next = undefined
    while (this.#waiting.length > 0) {
      const points = this.#waiting.splice(0, most)
      try {
        while (!(await putPoints(this.#log.store, this.id, this.#written + 1, points))) this.#written += 1
        this.#written += 1
      } catch (error) {
        this.#waiting = [...points, ...this.#waiting]
        throw error
      }
    }
  }
}

/** What is recorded of an end, looked for before anything is. @throws UsageError INVALID_ARGUMENT; InputError; AbortedError */
export async function checkedResult(
  { status = 'finished', metrics = {}, metricsFile, model, exitCode, end = new Date() }: RunResult,
  signal?: AbortSignal,
): Promise<{ readonly end: Omit<RunEnd, 'metrics'>; readonly values: readonly FlatMetric[] }> {
  const values = [...checkedMetrics(metrics), ...(metricsFile === undefined ? [] : await requiredMetrics(metricsFile))]
  const made = model === undefined ? null : await hashModel(model, signal)
  return { end: { status, end, model: made, exitCode: exitCode ?? null, signal: null, notes: [] }, values }
}
