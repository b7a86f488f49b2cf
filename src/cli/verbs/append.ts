import type { Command } from 'commander'
import { type LoadOptions, loadArguments, loadOf, loadOptions, rowsNamed } from '../options/loading.ts'
import { tablePath } from '../options/references.ts'
import { names, oneOf, wrong } from '../options/values.ts'
import { printWritten } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

interface AppendOptions extends LoadOptions {
  readonly compact?: 'auto'
  readonly create?: boolean
  readonly partitionBy?: readonly string[]
}

/** `varve append PATH FILE...|REF|-` */
export const verb: Verb = {
  usage: 'PATH FILE...|REF|- [OPTIONS]',
  description: `Adds rows as one new version. Columns are matched by name; a missing one is NULL. The format is known by the file's extension; - reads stdin.
With --txn a load is applied exactly once, however often and from however many processes it is sent.`,
  examples: [
    'varve append events january.parquet --create --partition-by city',
    "varve append events february.csv --txn etl-events:2 --message 'February, second delivery'",
    'varve append events - --format ndjson < march.ndjson',
  ],
  define(command: Command): void {
    loadArguments(command)
      .option('--create', 'where there is no table, make it with these rows as version 0')
      .option('--compact <when>', 'auto: now and then, fold the small files of the last appends into one', oneOf('--compact', ['auto']))
      .option('--partition-by <columns>', 'with --create: the partition columns, separated by commas', names)
    loadOptions(command)
  },
  async run(call: Invocation, operands: readonly string[], options: AppendOptions): Promise<void> {
    const began = Date.now()
    const [reference = '', ...files] = operands
    const { partitionBy, compact, create = false } = options
    if (partitionBy !== undefined && !create)
      throw wrong('--partition-by is for a new table.', 'Add --create, or leave it out: a table keeps its partition columns.')
    const load = loadOf(options)
    const path = await tablePath(reference)
    const input = await rowsNamed(files, options.format, call.signal)
    const { Table } = await import('../../index.ts')
    call.progress.start(() => `appending to ${path}`)
    const result = await Table.append(path, input, { ...load, partitionBy, compact, create, signal: call.signal })
    await printWritten(call, path, result, { txn: options.txn, began })
  },
}
