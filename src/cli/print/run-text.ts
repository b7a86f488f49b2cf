/** Runs as people and scripts read them. */
import type { RunComparison, RunDetails, RunName, TrainingRun } from '../../index.ts'
import type { Style } from '../terminal/style.ts'
import { padToWidth, textWidth } from '../terminal/text-width.ts'
import { type Fact, factLines } from './facts.ts'
import { byteSize, counted, duration, instant, shortDigest } from './human.ts'
import { jsonLine } from './json.ts'

/** Characters of an id that are shown. */
const shortId = 8

/** A run, or what was found of two, as a line of JSON: NaN and the infinities as texts. */
export function runLine(value: TrainingRun | RunDetails | RunComparison): string {
  return jsonLine(withTexts(value))
}

/** An id, as short as people need it. */
export function shortRunId(id: string): string {
  return id.slice(0, shortId)
}

/** The runs of a version, by name or id; of many the newest. */
export function runNames(runs: readonly RunName[], most = 5): string {
  const names = runs.slice(-most).map(({ id, name }) => name ?? shortRunId(id))
  return runs.length > most ? `${names.join(', ')} and ${runs.length - most} more` : names.join(', ')
}

/** How a run stands, in words. */
export function standing({ status, retired, erased }: TrainingRun): string {
  return [status, retired && 'retired', erased && 'its data was erased'].filter(Boolean).join(', ')
}

/** Metrics in one line, some of them. */
export function metricsText(metrics: TrainingRun['metrics'], most = Number.POSITIVE_INFINITY): string {
  const all = Object.entries(metrics).map(([name, value]) => `${name} ${numberText(value)}`)
  return all.length <= most ? all.join(', ') : `${all.slice(0, most).join(', ')}, …`
}

/** How long a run took; nothing while it has no end. */
export function tookText({ start, end }: TrainingRun): string {
  return end === null || Number.isNaN(end.getTime() - start.getTime()) ? '' : duration(Math.max(0, end.getTime() - start.getTime()))
}

/** All of a run. */
export function runText(run: RunDetails, style: Style): string {
  const { environment, code, model, exitCode, signal } = run
  const hardware = environment?.hardware
  const facts: Fact[] = [
    ['name', run.name ?? ''],
    ['status', `${standing(run)}${signal ? ` by ${signal}` : exitCode ? ` with exit code ${exitCode}` : ''}`],
    ['began', `${instant(run.start)}${run.author ? ` by ${run.author}` : ''}${run.host ? ` on ${run.host}` : ''}`],
    ['took', tookText(run)],
    ...run.data.map(({ reference, version, rows, fingerprints }, at): Fact => {
      const digests = Object.entries(fingerprints).filter(([, digest]) => digest !== null)
      const known = digests.map(([kind, digest]) => `${kind} ${shortDigest(digest)}`).join(', ')
      return [at === 0 ? 'data' : '', `${reference}, version ${version}${rows === null ? '' : `, ${counted(rows, 'row')}`}: ${known}`]
    }),
    ['command', run.command?.join(' ') ?? ''],
    ...section('parameters', flat(run.parameters)),
    ...section('seeds', run.seeds),
    ...section('metrics', run.metrics),
    [
      'by step',
      Object.entries(run.steps)
        .map(([name, points]) => `${name} (${points.length})`)
        .join(', '),
    ],
    ['model', model ? `${model.path} (${byteSize(model.bytes)}), SHA-256 ${shortDigest(model.sha256)}` : ''],
    ['code', code ? codeText(code) : ''],
    [
      'machine',
      hardware ? `${hardware.cpu ?? hardware.architecture}, ${counted(hardware.cpus, 'processor')}, ${byteSize(hardware.memory)}` : '',
    ],
    ...(hardware?.gpus ?? []).map(({ name, driver, memory }): Fact => ['gpu', `${name}, ${memory}, driver ${driver}`]),
    ['system', environment ? `${environment.os.name}, ${environment.os.platform} ${environment.os.release}` : ''],
    ['runtime', environment ? [environment.runtime.python, `Node ${environment.runtime.node}`].filter(Boolean).join(', ') : ''],
    ['packages', environment ? packagesText(environment.dependencies) : ''],
    ['retired', run.retired ? markText(run.retired) : ''],
    ['erased', run.erased ? markText(run.erased) : ''],
    ['metrics file', run.end === null ? (run.metricsFile ?? '') : ''],
    ...run.notes.map((note): Fact => ['note', note]),
  ]
  return `${style.bold(`run ${run.id}`)}\n${factLines(facts, style)}`
}

/** What differs between two runs. */
export function comparisonText({ a, b, sameData, differences }: RunComparison, style: Style): string {
  const data = {
    files: 'the same data',
    rows: 'the same rows, in other files',
    none: 'other data',
    null: 'it is not known whether the data is the same',
  }
  const heads: [string, string, string] = ['', titleOf(a), titleOf(b)]
  const rows = differences.map(({ what, name, a: one, b: other }): [string, string, string] => [
    name === what ? what : `${what} ${name}`,
    valueText(one),
    valueText(other),
  ])
  const widths = [0, 1].map((column) => Math.max(...[heads, ...rows].map((row) => textWidth(row[column]!))))
  const line = ([name, one, other]: [string, string, string]) =>
    `${padToWidth(name, widths[0]!, 'left')}  ${padToWidth(one, widths[1]!, 'left')}  ${other}`.trimEnd()
  const body = rows.length === 0 ? 'nothing else differs' : [style.dim(line(heads)), ...rows.map(line)].join('\n')
  return `${data[`${sameData}`]}\n${body}\n`
}

function titleOf({ id, name }: TrainingRun): string {
  return name === null ? shortRunId(id) : `${name} (${shortRunId(id)})`
}

function section(name: string, values: Readonly<Record<string, unknown>>): Fact[] {
  return Object.entries(values).map(([key, value], at) => [at === 0 ? name : '', `${key} = ${valueText(value)}`])
}

/** Groups taken apart, their names joined by dots. */
function flat(values: Readonly<Record<string, unknown>>, prefix = ''): Record<string, unknown> {
  const parts = Object.entries(values).map(([name, value]): [string, unknown][] =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(flat(value as Record<string, unknown>, `${prefix}${name}.`))
      : [[`${prefix}${name}`, value]],
  )
  return Object.fromEntries(parts.flat())
}

function valueText(value: unknown): string {
  if (value === null) return '-'
  const text = typeof value === 'number' ? numberText(value) : typeof value === 'string' ? value : JSON.stringify(value)
  return /^[0-9a-f]{40,64}$/.test(text) ? shortDigest(text) : text
}

/** Six digits are enough for people. */
function numberText(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)))
}

function codeText({ commit, branch, dirty, diff, untracked }: NonNullable<TrainingRun['code']>): string {
  const changed = dirty === null ? ', perhaps changed' : dirty ? `, changed (${shortDigest(diff)})` : ''
  const more = untracked === null ? '' : `, with files that Git does not know (${shortDigest(untracked)})`
  return `commit ${commit.slice(0, 12)}${branch ? ` of ${branch}` : ''}${changed}${more}`
}

function packagesText({ locks, python }: NonNullable<RunDetails['environment']>['dependencies']): string {
  const files = locks.map(({ path, sha256 }) => `${path} (${shortDigest(sha256)})`)
  return [...files, ...(python ? [counted(python.length, 'Python package')] : [])].join(', ')
}

function markText({ time, author, message }: NonNullable<TrainingRun['retired']>): string {
  return `${instant(time)}${author ? ` by ${author}` : ''}${message ? `: ${message}` : ''}`
}

function withTexts(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value instanceof Date || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withTexts)
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withTexts(part)]))
}
