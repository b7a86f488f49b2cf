/** Options that several verbs share, and how their values are read. Wrong ones are usage errors, before anything is opened. */
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import type { AsOf, ProvenanceOptions, ResolvedReference } from '../index.ts'
import { CommandLineError } from './failure.ts'

/** A usage error about an argument. */
export function wrong(message: string, remedy: string): CommandLineError {
  return new CommandLineError('INVALID_ARGUMENT', message, remedy)
}

/** A collector for an option that may be repeated. */
export function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** A collector for names, separated by commas or given by repeating the option. */
export function names(value: string, before: readonly string[] = []): readonly string[] {
  const given = value.split(',').map((name) => name.trim())
  if (given.includes(''))
    throw wrong(`'${value}' names no column.`, 'Write column names separated by commas, as in --partition-by country,day.')
  return [...before, ...given]
}

/** `key=value` pairs, split at the first `=`. */
export function pairs(option: string, values: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    values.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw wrong(`'${pair}' is no ${option}.`, `Write it as ${option} name=value.`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

/** A reader for a whole number that is zero or more. */
export function count(option: string): (value: string) => number {
  return (value) => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || !Number.isSafeInteger(number))
      throw wrong(`'${value}' is no ${option}.`, `${option} takes a whole number, zero or more.`)
    return number
  }
}

/** A reader for one of a few words. */
export function oneOf<Word extends string>(option: string, words: readonly Word[]): (value: string) => Word {
  return (value) => {
    const word = words.find((known) => known === value.toLowerCase())
    if (word === undefined) throw wrong(`'${value}' is no ${option}.`, `${option} is one of ${words.join(', ')}.`)
    return word
  }
}

/** Declares the options that name a point in a table's history beside the reference. */
export function pointOptions(command: Command): Command {
  return command
    .option('--version <number>', 'the version with this number', count('--version'))
    .option('--timestamp <instant>', 'the last version at or before an instant, such as 2026-03-15T00:00:00Z')
    .option('--tag <name>', 'the version that has this tag')
}

/** What {@link pointOptions} gave. */
export interface PointOptions {
  readonly version?: number
  readonly timestamp?: string
  readonly tag?: string
}

/** Declares the option for tables whose logs name files outside their folder, as those of shallow clones do. */
export function allowPathOption(command: Command): Command {
  return command.option(
    '--allow-path <folder>',
    "a folder outside the table's from which files may be read that its log names by absolute path; repeat for more",
    repeated,
  )
}

/** What {@link allowPathOption} gave. */
export interface AllowPathOption {
  readonly allowPath?: readonly string[]
}

/** Has one of the options that name a point been given? */
export function hasPoint(options: PointOptions): boolean {
  return options.version !== undefined || options.timestamp !== undefined || options.tag !== undefined
}

/** Opens what a reference names, as of its own point or of the one that the options name. */
export async function openReference(
  reference: string,
  options: PointOptions & AllowPathOption & { readonly unchecked?: boolean },
  signal: AbortSignal,
): Promise<ResolvedReference> {
  const { parseReference, resolveReference } = await import('../index.ts')
  const { allowPath: allowPaths, unchecked } = options
  const asOf = pointOf(options)
  if (asOf !== undefined && parseReference(reference).point !== undefined) throw twoPoints()
  return resolveReference(reference, { asOf, allowPaths, unchecked, signal })
}

/** The point that the options of {@link pointOptions} name. */
export function pointOf({ version, timestamp, tag }: PointOptions): AsOf | undefined {
  const given = [
    version === undefined ? undefined : { version },
    timestamp === undefined ? undefined : { timestamp },
    tag === undefined ? undefined : { tag },
  ].filter((one) => one !== undefined)
  if (given.length > 1) throw twoPoints()
  return given[0]
}

function twoPoints(): CommandLineError {
  return wrong(
    'More than one point in the history is given.',
    'Give one of --version, --timestamp, --tag, or a point after @ in the reference.',
  )
}

/** The path of a table, for a verb that works on all of it; with `orPin` also that of a pin. */
export async function tablePath(reference: string, { orPin = false } = {}): Promise<string> {
  const { parseReference, readPin } = await import('../index.ts')
  if (orPin && statSync(reference, { throwIfNoEntry: false })?.isFile()) return reference
  const { path, point } = parseReference(reference)
  if (point !== undefined)
    throw wrong(
      `'${reference}' names a point in a table's history, and this verb works on the table.`,
      'Leave out what stands after the @; a folder whose name holds an @ is written with a slash at the end.',
    )
  if (!orPin && path.endsWith('.varve') && statSync(path, { throwIfNoEntry: false })?.isFile())
    throw wrong(
      `${path} pins one version, and this verb works on the table.`,
      `Name the table: ${join(dirname(path), (await readPin(path)).table)}.`,
    )
  return path
}

/** What {@link writeOptions} gave. */
export interface WriteOptions {
  readonly txn?: string
  readonly message?: string
  readonly source?: string
  readonly isolation?: 'serializable'
  readonly code?: readonly string[]
}

/** Declares the options that every writing verb takes. */
export function writeOptions(command: Command): Command {
  return command
    .option('--txn <app:version>', 'the number of this load of an application: it is applied exactly once')
    .option('--message <text>', 'why, for the history')
    .option('--source <text>', 'where the rows come from, for the history')
    .option('--code <file>', 'a file of the code that made the rows: its hash goes into the history; repeat for more', repeated)
    .option(
      '--isolation <level>',
      'serializable: no other commit may come between reading and writing',
      oneOf('--isolation', ['serializable']),
    )
}

/** What the version says of how it was made: this command, and the code that was named. */
export function provenanceOf({ code }: WriteOptions): ProvenanceOptions {
  return { command: ['varve', ...process.argv.slice(2)], code: code ?? false }
}

/** Reads `--txn`. The last colon splits, so an application's name may hold some. */
export function transaction(text: string | undefined): { appId: string; version: number } | undefined {
  if (text === undefined) return undefined
  const at = text.lastIndexOf(':')
  const version = Number(text.slice(at + 1))
  if (at < 1 || !/^\d+$/.test(text.slice(at + 1)) || !Number.isSafeInteger(version))
    throw wrong(`'${text}' is no transaction.`, 'Write it as --txn APPLICATION:NUMBER, as in --txn etl-orders:42.')
  return { appId: text.slice(0, at), version }
}

/** Reads an option that is a point, as a reference has it behind its @. */
export async function pointOption(option: string, text: string | undefined): Promise<AsOf | undefined> {
  if (text === undefined) return undefined
  if (text === '') throw wrong(`${option} is empty.`, `Write ${option} with a version or an instant, such as 2026-03-15T00:00:00Z.`)
  const { parseReference } = await import('../index.ts')
  const { point: found } = parseReference(`t@${text}`)
  if (found === undefined)
    throw wrong(`'${text}' is no VERSION and no INSTANT.`, 'Write a number, or an instant such as 2026-03-15T00:00:00Z.')
  return found
}
