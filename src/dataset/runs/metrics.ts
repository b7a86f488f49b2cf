/**
 * Metrics: numbers by name, final ones and ones by step. A group of them is written as an object inside the object, and its names are joined by
 * dots: `{ val: { auc: 0.9 } }` is `val.auc`. A list is by step, from step 0 on.
 */
import { UsageError } from '../../errors/index.ts'
import type { MetricPoint } from './run.ts'

/** Metrics as they are given: numbers, lists of numbers by step, and groups of them. */
export interface MetricValues {
  readonly [name: string]: number | readonly number[] | MetricValues
}

/** Metrics taken apart, in the order in which they were given. */
export type FlatMetric = Pick<MetricPoint, 'name' | 'value' | 'step'>

/** Deeper groups are taken for a mistake. */
const deepest = 20

/**
 * Takes metrics apart. `step` is that of plain numbers; `null` for final ones. What is no metric goes to `wrong`, by its name and what is wrong.
 */
export function flatMetrics(values: unknown, step: number | null, wrong: (name: string, why: string) => void): FlatMetric[] {
  const found: FlatMetric[] = []
  const take = (name: string, value: unknown, depth: number): void => {
    const number = numberOf(value)
    if (number !== undefined) found.push({ name, value: number, step })
    else if (Array.isArray(value)) takeList(name, value)
    else if (typeof value === 'object' && value !== null && depth < deepest) takeGroup(name, value, depth + 1)
    else wrong(name, `${shown(value)} is no number`)
  }
  const takeList = (name: string, list: readonly unknown[]): void => {
    for (const [at, one] of list.entries()) {
      const number = numberOf(one)
      if (number === undefined) wrong(name, `${shown(one)} is no number`)
      else found.push({ name, value: number, step: at })
    }
  }
  const takeGroup = (prefix: string, group: object, depth: number): void => {
    for (const [name, value] of Object.entries(group)) take(prefix === '' ? name : `${prefix}.${name}`, value, depth)
  }
  if (typeof values === 'object' && values !== null && !Array.isArray(values)) takeGroup('', values, 0)
  else wrong('', `${shown(values)} is no object with metrics`)
  return found
}

/** The same for what a program gives. @throws UsageError INVALID_ARGUMENT for what is no number */
export function checkedMetrics(values: MetricValues, step: number | null = null): FlatMetric[] {
  checkStep(step)
  return flatMetrics(values, step, (name, why) => {
    throw new UsageError('INVALID_ARGUMENT', `The metric ${JSON.stringify(name)} cannot be recorded: ${why}.`, {
      remedy: 'Metrics are numbers, lists of numbers by step, or objects of them; other facts are parameters.',
      data: { metric: name },
    })
  })
}

/** Of each metric the one that its final value is: the last without a step, else the last. */
export function lastValues(metrics: Iterable<FlatMetric>): Map<string, FlatMetric> {
  const last = new Map<string, FlatMetric>()
  for (const metric of metrics) {
    const before = last.get(metric.name)
    if (before === undefined || metric.step === null || before.step !== null) last.set(metric.name, metric)
  }
  return last
}

/** The final value of each metric, by {@link lastValues}. */
export function finalValues(metrics: Iterable<FlatMetric>): Record<string, number> {
  return Object.fromEntries([...lastValues(metrics)].map(([name, { value }]) => [name, value]))
}

/** A number as records and JSON spell it. */
export function storedNumber(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}

/** A number as it was stored; `undefined` for what is none. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  return value === 'NaN' || value === 'Infinity' || value === '-Infinity' ? Number(value) : undefined
}

function checkStep(step: number | null): void {
  if (step === null || Number.isFinite(step)) return
  throw new UsageError('INVALID_ARGUMENT', `${step} is no step.`, { remedy: 'A step is a number; leave it out for a final value.' })
}

function shown(value: unknown): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : Array.isArray(value) ? 'a list' : String(value)
  return text.length > 40 ? `${text.slice(0, 40)}…` : text
}
