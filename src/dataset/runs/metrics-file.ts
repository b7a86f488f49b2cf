/**
 * The file of metrics that a command writes. Either it is one JSON object, `{ "auc": 0.93, "loss": [0.9, 0.5] }`: final values, and lists by step. Or
 * it is JSON lines, an object each, so that a program may append to it as it goes: `{ "step": 1, "loss": 0.5 }` are values at a step, and
 * a line without `step` has final ones. NaN and Infinity may stand there bare, as Python writes them.
 *
 * Whatever the file holds, the run it belongs to is recorded: what cannot be understood is said, and the rest is taken.
 */
import { readFile } from 'node:fs/promises'
import { InputError } from '../../errors/index.ts'
import { type FlatMetric, flatMetrics, numberOf } from './metrics.ts'

/** Complaints about one file that are kept. */
const mostProblems = 10

/** Reads a file of metrics. `problems`: what could not be taken, in words. A file that is not there has no metrics. */
export async function readMetricsFile(path: string): Promise<{ text: string; metrics: FlatMetric[]; problems: string[]; absent: boolean }> {
  try {
    const text = await readFile(path, 'utf8')
    return { text, ...parseMetrics(text), absent: false }
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const problems = absent ? [] : [`The file of metrics could not be read: ${(error as Error).message}.`]
    return { text: '', metrics: [], problems, absent }
  }
}

/** The metrics of a file that must be one. @throws InputError INPUT_NOT_FOUND, INPUT_CORRUPT with all that is wrong */
export async function requiredMetrics(path: string): Promise<FlatMetric[]> {
  const { metrics, problems, absent } = await readMetricsFile(path)
  if (!absent && problems.length === 0) return metrics
  const message = absent ? `There is no file of metrics ${path}.` : `The metrics of ${path} cannot be taken: ${problems.join(' ')}`
  throw new InputError(absent ? 'INPUT_NOT_FOUND' : 'INPUT_CORRUPT', message, {
    remedy: 'Write one JSON object, {"auc": 0.93, "loss": [0.9, 0.5]}, or an object a line, {"step": 1, "loss": 0.5}.',
    data: { path },
  })
}

/** What one line of such a file says; `undefined` for what is no JSON object. */
export function parseLine(line: string): { readonly hasStep: boolean; readonly values: readonly FlatMetric[] } | undefined {
  const value = parsed(line)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return { hasStep: 'step' in value && !Array.isArray(value.step), values: lineMetrics(value, () => undefined) }
}

/** Takes the text of such a file apart. */
export function parseMetrics(text: string): { metrics: FlatMetric[]; problems: string[] } {
  const problems: string[] = []
  const complain = (problem: string) => {
    if (problems.length < mostProblems) problems.push(problem)
  }
  const metrics: FlatMetric[] = []
  const whole = parsed(text)
  const lines = whole === undefined ? text.split('\n') : [text]
  for (const [at, line] of lines.entries()) {
    if (line.trim() === '') continue
    const where = lines.length === 1 ? 'The file of metrics' : `Line ${at + 1} of the file of metrics`
    const value = lines.length === 1 ? whole : parsed(line)
    if (value === undefined) complain(`${where} is no JSON; it was left out.`)
    else for (const metric of lineMetrics(value, (what) => complain(`${where}: ${what}; it was left out.`))) metrics.push(metric)
  }
  return { metrics, problems }
}

function lineMetrics(value: unknown, complain: (what: string) => void): FlatMetric[] {
  const wrong = (name: string, why: string) => complain(name === '' ? why : `${name}: ${why}`)
  if (typeof value !== 'object' || value === null || !('step' in value)) return flatMetrics(value, null, wrong)
  const { step: given, ...values } = value
  const step = numberOf(given)
  // A metric may be called so where it holds no step.
  if (Array.isArray(given)) return flatMetrics(value, null, wrong)
  if (step !== undefined && Number.isFinite(step)) return flatMetrics(values, step, wrong)
  complain('its step is no number')
  return []
}

/** `undefined` for what is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (word) => (word.startsWith('"') ? word : `"${word}"`)))
  } catch {
    return undefined
  }
}
