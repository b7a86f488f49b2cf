/**
 * From samples to a verdict. A ratio is taken round by round, so that a slow moment of the machine falls on both sides of it. Its
 * spread is from the first to the third quartile (from the least to the greatest where there are fewer than five rounds). The figure is
 * "met" where the whole spread is within the limit, "missed" where the whole spread is beyond it, and "not measurable" where the limit
 * lies inside the spread: then the run cannot tell.
 */
import type { Target } from './case.ts'
import type { Measured } from './contend.ts'
import { median, quantile } from './measure.ts'

/** With fewer rounds nothing is said of a figure that varies; contenders that limit their samples themselves hardly vary. */
const fewest = 3

/** A metric of one contender. */
export interface Figure {
  readonly contender: string
  readonly role: string
  readonly metric: string
  readonly median: number
  readonly low: number
  readonly high: number
  readonly samples: number
}

/** How a target came out. */
export interface Verdict {
  readonly says: string
  readonly atMost: number
  readonly unit: string
  readonly median: number
  readonly low: number
  readonly high: number
  readonly rounds: number
  readonly verdict: 'met' | 'missed' | 'not measurable'
  readonly why?: string
}

/** A case in the result. */
export interface CaseReport {
  readonly name: string
  readonly title: string
  readonly load: number
  readonly note?: string
  readonly figures: readonly Figure[]
  readonly verdicts: readonly Verdict[]
  readonly failures: Readonly<Record<string, string>>
}

/** Puts the figures of a case together. */
export function report(measured: Measured): CaseReport {
  const { case: one, samples, failures } = measured
  const figures = one.contenders.flatMap((contender) => {
    const list = samples.get(contender.name) ?? []
    const metrics = ['wall', 'cpu', 'peak', ...(one.shows ?? [])].filter((metric) => list.some((sample) => sample[metric] !== undefined))
    return metrics.map((metric) => {
      const values = list.flatMap((sample) => sample[metric] ?? [])
      return { contender: contender.name, role: contender.role, metric, median: median(values), ...spread(values), samples: values.length }
    })
  })
  return {
    name: one.name,
    title: one.title,
    load: measured.load,
    ...(one.note && { note: one.note }),
    figures,
    verdicts: one.targets.map((target) => judge(target, measured)),
    failures: Object.fromEntries(failures),
  }
}

/** The report as text: figures first, then what must be reached. */
export function printed(one: CaseReport): string {
  const lines = [`\n## ${one.name}: ${one.title}   (load before: ${one.load.toFixed(2)})`]
  const head = ['', 'contender', 'metric', 'median', 'spread', 'samples']
  const rows = one.figures.map((figure) => [
    figure.role,
    figure.contender,
    unitOf(figure.metric),
    number(figure.median),
    `${number(figure.low)} to ${number(figure.high)}`,
    String(figure.samples),
  ])
  lines.push(...table([head, ...rows]))
  for (const verdict of one.verdicts) {
    const mark = { met: 'MET', missed: 'MISSED', 'not measurable': 'NOT MEASURABLE' }[verdict.verdict]
    const figure = `${number(verdict.median)}${verdict.unit} (${number(verdict.low)} to ${number(verdict.high)}, ${verdict.rounds} rounds), at most ${verdict.atMost}${verdict.unit}`
    lines.push(`  ${mark.padEnd(15)} ${verdict.says}: ${verdict.why ?? figure}`)
  }
  for (const [contender, why] of Object.entries(one.failures)) lines.push(`  FAILED          ${contender}: ${why}`)
  if (one.note) lines.push(`  note: ${one.note}`)
  return lines.join('\n')
}

function judge(target: Target, { case: one, samples, failures }: Measured): Verdict {
  const metric = target.metric ?? 'wall'
  const subject = samples.get(target.of) ?? []
  const other = target.to === undefined ? undefined : (samples.get(target.to) ?? [])
  const values = subject.flatMap((sample, round) => {
    const value = sample[metric]
    const against = other ? other[round]?.[target.toMetric ?? metric] : 1
    return value === undefined || against === undefined ? [] : [value / against]
  })
  const base = {
    says: target.says,
    atMost: target.atMost,
    unit: target.to === undefined ? ` ${target.unit ?? ''}` : ' x',
    rounds: values.length,
  }
  const failed = failures.get(target.of) ?? (target.to === undefined ? undefined : failures.get(target.to))
  if (values.length === 0 || failed !== undefined) {
    return {
      ...base,
      median: Number.NaN,
      low: Number.NaN,
      high: Number.NaN,
      verdict: 'not measurable',
      why: `a contender failed (${failed ?? 'no sample'})`,
    }
  }
  const { low, high } = spread(values)
  if (values.length < fewest && one.contenders.find(({ name }) => name === target.of)?.samples === undefined) {
    return {
      ...base,
      median: median(values),
      low,
      high,
      verdict: 'not measurable',
      why: `${values.length} rounds say nothing of the spread`,
    }
  }
  const verdict = high <= target.atMost ? 'met' : low > target.atMost ? 'missed' : 'not measurable'
  return { ...base, median: median(values), low, high, verdict }
}

function spread(values: readonly number[]): { low: number; high: number } {
  return values.length < 5
    ? { low: Math.min(...values), high: Math.max(...values) }
    : { low: quantile(values, 0.25), high: quantile(values, 0.75) }
}

function unitOf(metric: string): string {
  return { wall: 'wall ms', cpu: 'cpu ms', peak: 'peak MiB' }[metric] ?? metric
}

function number(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return value >= 1000
    ? Math.round(value).toLocaleString('en-US')
    : value >= 100
      ? value.toFixed(0)
      : value >= 10
        ? value.toFixed(1)
        : value.toFixed(3)
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  return rows.map(
    (row) => `  ${row.map((cell, column) => (column >= 3 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ')}`,
  )
}
