/**
 * Follows a file of metrics while a command writes it, so that what it said by steps is recorded on the way, and seen while it runs. Only lines
 * that are whole and have a step are taken; a file that is no JSON lines, or that is written anew instead of going on, is left for the end.
 */
import { readFile, stat } from 'node:fs/promises'
import type { FlatMetric } from './metrics.ts'
import { parseLine, readMetricsFile } from './metrics-file.ts'

/** Milliseconds between two looks. */
const every = 1000

/** Bytes from which on a file is left for the end: each look reads all of it. */
const largest = 16 << 20

/** A file that is followed. */
export class MetricsTail {
  readonly #path: string
  readonly #take: (metrics: readonly FlatMetric[]) => Promise<void>
  readonly #timer: NodeJS.Timeout
  /** The lines that were taken, and how many values they gave. */
  #lines = ''
  #values = 0
  #over = false
  #look: Promise<void> | undefined

  /** @param take Is given the values of new lines; where it fails, it is to remember them. */
  constructor(path: string, take: (metrics: readonly FlatMetric[]) => Promise<void>) {
    this.#path = path
    this.#take = take
    this.#timer = setInterval(() => {
      this.#look ??= this.#lookAgain().finally(() => {
        this.#look = undefined
      })
    }, every)
    this.#timer.unref()
  }

  /** Ends it. @returns What the file holds that was not taken on the way, and what is wrong with it. */
  async end(): Promise<{ metrics: FlatMetric[]; problems: string[] }> {
    clearInterval(this.#timer)
    await this.#look
    const { text, metrics, problems } = await readMetricsFile(this.#path)
    let taken = text.startsWith(this.#lines) ? this.#values : 0
    return { metrics: metrics.filter(({ step }) => step === null || taken-- <= 0), problems }
  }

  async #lookAgain(): Promise<void> {
    if (this.#over) return
    try {
      const { size } = await stat(this.#path)
      if (size === Buffer.byteLength(this.#lines)) return
      if (size > largest) return this.#stop()
      const text = await readFile(this.#path, 'utf8')
      const lines = text.slice(0, text.lastIndexOf('\n') + 1)
      const values = lines.startsWith(this.#lines) ? valuesOf(lines.slice(this.#lines.length)) : undefined
      if (values === undefined) return this.#stop()
      this.#lines = lines
      this.#values += values.length
      if (values.length > 0) await this.#take(values)
    } catch {
      // It may not be there yet, and what could not be taken is remembered: the end says what is wrong.
    }
  }

  #stop(): void {
    this.#over = true
  }
}

/** The values by step of some lines; `undefined` where one of them is no JSON. */
function valuesOf(lines: string): FlatMetric[] | undefined {
  const values: FlatMetric[] = []
  for (const line of lines.split('\n')) {
    if (line.trim() === '') continue
    const metrics = parseLine(line)
    if (metrics === undefined) return undefined
    // A list in a line without a step is by step too, but such a line may be a whole file that is written anew.
    if (metrics.hasStep) values.push(...metrics.values)
  }
  return values
}
