/** What the verbs have in common that take rows from files or stdin. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Input, Snapshot, WritingOptions } from '../../index.ts'
import { openReference } from './references.ts'
import { oneOf, wrong } from './values.ts'
import { type WriteOptions, writeOptions, writingOf } from './writing.ts'

/** The formats of input. */
export const inputFormats = ['parquet', 'csv', 'json', 'ndjson', 'arrow'] as const

/** What {@link loadOptions} gave. */
export interface LoadOptions extends WriteOptions {
  readonly format?: (typeof inputFormats)[number]
  readonly mergeSchema?: boolean
  readonly txnAnyOrder?: boolean
  readonly txnSkipOlder?: boolean
}

/** Declares the arguments: a table, and what is loaded into it. */
export function loadArguments(command: Command): Command {
  return command
    .argument('<path>', 'the folder of the table')
    .argument('<file...>', 'Parquet, CSV, JSON, NDJSON or Arrow files; a table, with or without a point in its history; or - for stdin')
    .option('--format <format>', `one of ${inputFormats.join(', ')}; default: by the extension`, oneOf('--format', inputFormats))
}

/** Declares the options of every load. */
export function loadOptions(command: Command): Command {
  command.option('--merge-schema', 'columns that the table lacks are added to it')
  return writeOptions(command)
    .option('--txn-any-order', 'a number below the latest, never applied, is applied too')
    .option('--txn-skip-older', 'a number below the latest is taken as applied')
}

/** The options as the library takes them. */
export function loadOf(options: LoadOptions): WritingOptions & { readonly mergeSchema?: boolean | undefined } {
  const { txnAnyOrder, txnSkipOlder, mergeSchema } = options
  if (txnAnyOrder && txnSkipOlder) throw wrong('--txn-any-order and --txn-skip-older contradict each other.', 'Give one of them.')
  const writing = writingOf(options)
  if (writing.txn === undefined && (txnAnyOrder || txnSkipOlder))
    throw wrong('--txn-any-order and --txn-skip-older say how --txn is taken.', 'Add --txn APPLICATION:NUMBER.')
  return { ...writing, txnAnyOrder, txnSkipOlder, mergeSchema }
}

/** The input that arguments name: files, stdin, or one table as of a version, which is where no file has the name. */
export async function rowsNamed(files: readonly string[], format: LoadOptions['format'], signal: AbortSignal): Promise<Input | Snapshot> {
  const [only = ''] = files
  const isTable = files.length === 1 && format === undefined && only !== '-' && (await namesTable(only))
  return isTable ? (await openReference(only, {}, signal)).snapshot : inputOf(files, format)
}

async function namesTable(operand: string): Promise<boolean> {
  if (operand.endsWith('.varve')) return true
  if (existsSync(operand)) return existsSync(join(operand, '_delta_log'))
  const { parseReference } = await import('../../index.ts')
  return existsSync(join(parseReference(operand).path, '_delta_log'))
}

/** The input that arguments name. */
export function inputOf(files: readonly string[], format: LoadOptions['format']): Input {
  if (!files.includes('-')) return { files, format }
  if (files.length > 1) throw wrong('- is stdin, and stands alone.', 'Load the files in a command of their own.')
  if (format === undefined) throw wrong('What stdin holds is not known.', `Add --format: one of ${inputFormats.join(', ')}.`)
  return { stream: process.stdin, format }
}
