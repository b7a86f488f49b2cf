/** The options of `varve run`, and what they tell a run. */
import type { RunInput, Table } from '../../index.ts'
import type { Invocation } from '../verb.ts'
import { openReference, tablePath } from './references.ts'
import { pairs, wrong } from './values.ts'

/** Files in which a command may get its rows. */
export const exportFormats = ['csv', 'ndjson', 'parquet'] as const

/** What the options gave. */
export interface RunCommandOptions {
  readonly data?: readonly string[]
  readonly name?: string
  readonly param?: readonly string[]
  readonly params?: string
  readonly seed?: readonly string[]
  readonly metric?: readonly string[]
  readonly metrics?: string
  readonly model?: string
  readonly status?: 'finished' | 'failed'
  readonly message?: string
  readonly export?: (typeof exportFormats)[number]
  readonly verify?: 'quick' | 'full' | false
}

/** What the options told a run: its parameters and seeds. */
export function toldOf({ param, params, seed }: RunCommandOptions) {
  const seeds = (seed ?? []).map((text): [string, number] => {
    const at = text.indexOf('=')
    const number = text.slice(at + 1)
    if (at === 0 || !/^-?\d+$/.test(number)) throw wrong(`'${text}' is no seed.`, 'Write --seed 42, or --seed name=42.')
    return [at < 0 ? 'seed' : text.slice(0, at), Number(number)]
  })
  const parameters: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(pairs('--param', param))) put(parameters, name.split('.'), parameterOf(text))
  return { parameters, parametersFile: params, seed: Object.fromEntries(seeds) }
}

/** The table in which a run is recorded, and the versions that it reads. Where only one of the two is given, it says the other. */
export async function tableAndData(
  call: Invocation,
  reference: string | undefined,
  refs: readonly string[] = [],
): Promise<{ table: Table; data: readonly RunInput[]; path: string }> {
  const first = refs[0] ?? reference
  if (first === undefined) throw wrong('No data is named.', 'Write --data with a version, as in --data events@v2.0.')
  const opened = await openReference(first, {}, call.signal)
  if (refs.length > 0 && reference !== undefined) await checkSameTable(reference, opened.table)
  return { table: opened.table, path: opened.path, data: refs.length > 0 ? refs : [first] }
}

/** Final metrics, as `--metric name=value` gives them. */
export function metricsOf(texts: readonly string[] | undefined): Record<string, number> {
  return Object.fromEntries(Object.entries(pairs('--metric', texts)).map(([name, text]) => [name, metricOf(name, text)]))
}

async function checkSameTable(reference: string, table: Table): Promise<void> {
  const { Table } = await import('../../index.ts')
  const named = await Table.open(await tablePath(reference))
  if (named.location !== table.location)
    throw wrong(
      `The first --data is no version of ${reference}.`,
      'A run is recorded in the table of its first --data: name that one, or leave it out.',
    )
}

function metricOf(name: string, text: string): number {
  const value = /^[+-]?inf(inity)?$/i.test(text) ? (text.startsWith('-') ? -Infinity : Infinity) : /^nan$/i.test(text) ? NaN : Number(text)
  if (text.trim() === '' || (Number.isNaN(value) && !/^nan$/i.test(text)))
    throw wrong(`'${text}' is no value of the metric ${name}.`, 'Give a number.')
  return value
}

/** What JSON makes of a text, where it is a number, a truth value or null; else the text. */
function parameterOf(text: string): unknown {
  if (!/^(true|false|null|-?\d+(\.\d+)?([eE][+-]?\d+)?)$/.test(text)) return text
  const value: unknown = JSON.parse(text.replace(/^(-?)0+(?=\d)/, '$1'))
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) ? text : value
}

function put(group: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    Object.defineProperty(group, name, { value, enumerable: true, configurable: true, writable: true })
    return
  }
  const inner = Object.hasOwn(group, name) ? group[name] : undefined
  const next = (typeof inner === 'object' && inner !== null ? inner : {}) as Record<string, unknown>
  put(next, rest, value)
  put(group, [name], next)
}
