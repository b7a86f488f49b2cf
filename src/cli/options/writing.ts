/** The options that every writing verb takes. */
import type { Command } from 'commander'
import type { ProvenanceOptions, WritingOptions } from '../../index.ts'
import { oneOf, repeated, wrong } from './values.ts'

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

/** The options as the library takes them. @throws CommandLineError for a `--txn` that is none */
export function writingOf(options: WriteOptions): Pick<WritingOptions, 'txn' | 'message' | 'source' | 'isolation' | 'provenance'> {
  const { txn, message, source, isolation } = options
  return { txn: transaction(txn), message, source, isolation, provenance: provenanceOf(options) }
}

/** What the version says of how it was made: this command, and the code that was named. */
export function provenanceOf({ code }: WriteOptions): ProvenanceOptions {
  return { command: ['varve', ...process.argv.slice(2)], code: code ?? false }
}

/** Reads `--txn`. The last colon splits, so an application's name may hold some. */
function transaction(text: string | undefined): { appId: string; version: number } | undefined {
  if (text === undefined) return undefined
  const at = text.lastIndexOf(':')
  const version = Number(text.slice(at + 1))
  if (at < 1 || !/^\d+$/.test(text.slice(at + 1)) || !Number.isSafeInteger(version))
    throw wrong(`'${text}' is no transaction.`, 'Write it as --txn APPLICATION:NUMBER, as in --txn etl-orders:42.')
  return { appId: text.slice(0, at), version }
}
