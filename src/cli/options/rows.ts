/** `--format` and `--output` of the verbs whose results are rows. */
import type { Command } from 'commander'
import { oneOf } from './values.ts'

const rowFormats = ['table', 'json', 'ndjson', 'csv', 'arrow', 'parquet'] as const

/** How rows are written. */
export type RowFormat = (typeof rowFormats)[number]

/** What the options gave. */
export interface RowsOptions {
  readonly format?: RowFormat
  readonly output?: string
}

/** Declares the options. */
export function rowsOptions(command: Command): Command {
  return command
    .option(
      '--format <format>',
      `one of ${rowFormats.join(', ')}; default: table on a terminal, else ndjson`,
      oneOf('--format', rowFormats),
    )
    .option('-o, --output <file>', 'write to a file, which appears only when it is complete')
}
