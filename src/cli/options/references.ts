/** Tables, and points in their history, as arguments and options name them. */
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import type { AsOf, ResolvedReference } from '../../index.ts'
import type { CommandLineError } from '../failure.ts'
import { count, repeated, wrong } from './values.ts'

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
  const { parseReference, resolveReference } = await import('../../index.ts')
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
  const { parseReference, readPin } = await import('../../index.ts')
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

/** Reads an option that is a point, as a reference has it behind its @. */
export async function pointOption(option: string, text: string | undefined): Promise<AsOf | undefined> {
  if (text === undefined) return undefined
  if (text === '') throw wrong(`${option} is empty.`, `Write ${option} with a version or an instant, such as 2026-03-15T00:00:00Z.`)
  const { parseReference } = await import('../../index.ts')
  const { point: found } = parseReference(`t@${text}`)
  if (found === undefined)
    throw wrong(`'${text}' is no VERSION and no INSTANT.`, 'Write a number, or an instant such as 2026-03-15T00:00:00Z.')
  return found
}
