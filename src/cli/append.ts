import type { Command } from 'commander'
import type { Input } from '../index.ts'
import { names, oneOf, tablePath, transaction, type WriteOptions, writeOptions, wrong } from './options.ts'
import type { Run, Verb } from './verb.ts'
import { printWritten } from './written.ts'

const inputFormats = ['parquet', 'csv', 'json', 'ndjson', 'arrow'] as const

interface AppendOptions extends WriteOptions {
  readonly format?: (typeof inputFormats)[number]
  readonly create?: boolean
  readonly partitionBy?: readonly string[]
  readonly mergeSchema?: boolean
  readonly txnAnyOrder?: boolean
  readonly txnSkipOlder?: boolean
}

/** `varve append PATH FILE...|-` */
export const verb: Verb = {
  usage: 'PATH FILE...|- [OPTIONS]',
  description: `Adds rows as one new version. Columns are matched by name; a missing one is NULL. The format is known by the file's extension; - reads stdin.
With --txn a load is applied exactly once, however often and from however many processes it is sent.`,
  examples: [
    'varve append events january.parquet --create --partition-by city',
    "varve append events february.csv --txn etl-events:2 --message 'February, second delivery'",
    'varve append events - --format ndjson < march.ndjson',
  ],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .argument('<file...>', 'Parquet, CSV, JSON, NDJSON or Arrow files, or - for stdin')
      .option('--format <format>', `one of ${inputFormats.join(', ')}; default: by the extension`, oneOf('--format', inputFormats))
      .option('--create', 'where there is no table, make it with these rows as version 0')
      .option('--partition-by <columns>', 'with --create: the partition columns, separated by commas', names)
      .option('--merge-schema', 'columns that the table lacks are added to it')
    writeOptions(command)
      .option('--txn-any-order', 'a number below the latest, never applied, is applied too')
      .option('--txn-skip-older', 'a number below the latest is taken as applied')
  },
  async run(run: Run, operands: readonly string[], options: AppendOptions): Promise<void> {
    const began = Date.now()
    const [reference = '', ...files] = operands
    if (options.partitionBy !== undefined && !options.create)
      throw wrong('--partition-by is for a new table.', 'Add --create, or leave it out: a table keeps its partition columns.')
    if (options.txnAnyOrder && options.txnSkipOlder)
      throw wrong('--txn-any-order and --txn-skip-older contradict each other.', 'Give one of them.')
    const txn = transaction(options.txn)
    if (txn === undefined && (options.txnAnyOrder || options.txnSkipOlder))
      throw wrong('--txn-any-order and --txn-skip-older say how --txn is taken.', 'Add --txn APPLICATION:NUMBER.')
    const input = inputOf(files, options.format)
    const path = await tablePath(reference)
    const { Table } = await import('../index.ts')
    const { txnAnyOrder, txnSkipOlder, message, source, mergeSchema, isolation, partitionBy } = options
    const append = { txn, txnAnyOrder, txnSkipOlder, message, source, mergeSchema, isolation, partitionBy, signal: run.signal }
    run.progress.start(() => `appending to ${path}`)
    const result = await Table.append(path, input, { ...append, create: options.create === true })
    await printWritten(run, path, result, { txn: options.txn, began })
  },
}

function inputOf(files: readonly string[], format: AppendOptions['format']): Input {
  if (!files.includes('-')) return { files, format }
  if (files.length > 1) throw wrong('- is stdin, and stands alone.', 'Append the files in a command of their own.')
  if (format === undefined) throw wrong('What stdin holds is not known.', `Add --format: one of ${inputFormats.join(', ')}.`)
  return { stream: process.stdin, format }
}
