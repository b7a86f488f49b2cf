import type { Command } from 'commander'
import { type LoadOptions, loadArguments, loadOf, loadOptions, rowsNamed } from '../options/loading.ts'
import { tablePath } from '../options/references.ts'
import { names, wrong } from '../options/values.ts'
import { printWritten } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

interface OverwriteOptions extends LoadOptions {
  readonly where?: string
  readonly dynamic?: boolean
  readonly overwriteSchema?: boolean
  readonly partitionBy?: readonly string[]
}

/** `varve overwrite PATH FILE...|REF|-` */
export const verb: Verb = {
  usage: 'PATH FILE...|REF|- [OPTIONS]',
  description: `Replaces rows by others as one new version: all rows, those of --where, or the partitions that the new rows have (--dynamic). Older versions stay as they are.
Each new row has to fulfil --where. With --overwrite-schema the table gets the columns of the new rows, whatever its own were.`,
  examples: [
    'varve overwrite events january.parquet',
    'varve overwrite events february.csv --where "city = \'Oslo\'"',
    'varve overwrite events february.csv --dynamic --txn etl-events:3',
    "varve overwrite events - --format ndjson --overwrite-schema --partition-by city --message 'from scratch' < march.ndjson",
  ],
  define(command: Command): void {
    loadArguments(command)
      .option('--where <predicate>', "replace only the rows for which this expression in DuckDB's SQL is true")
      .option('--dynamic', 'replace only the partitions that the new rows have')
      .option('--overwrite-schema', 'give the table the columns of the new rows')
      .option(
        '--partition-by <columns>',
        'with --overwrite-schema: the partition columns from then on, separated by commas, or none; default: as they are',
        names,
      )
    loadOptions(command)
  },
  async run(call: Invocation, operands: readonly string[], options: OverwriteOptions): Promise<void> {
    const began = Date.now()
    const [reference = '', ...files] = operands
    const { where, dynamic, overwriteSchema, partitionBy } = options
    if (partitionBy !== undefined && !overwriteSchema)
      throw wrong('A table keeps its partition columns.', 'Leave out --partition-by, or add --overwrite-schema.')
    if (where !== undefined && dynamic) throw wrong('--where and --dynamic both say which rows are replaced.', 'Give one of them.')
    if (overwriteSchema && (where !== undefined || dynamic || options.mergeSchema))
      throw wrong('--overwrite-schema replaces the whole table.', 'Leave it out, or --where, --dynamic and --merge-schema.')
    const load = loadOf(options)
    const path = await tablePath(reference)
    const input = await rowsNamed(files, options.format, call.signal)
    const { Table } = await import('../../index.ts')
    const { signal } = call
    call.progress.start(() => `overwriting ${path}`)
    const table = await Table.open(path, { signal })
    const columns = partitionBy?.length === 1 && partitionBy[0]!.toLowerCase() === 'none' ? [] : partitionBy
    const result = await table.overwrite(input, { ...load, where, dynamic, overwriteSchema, partitionBy: columns, signal })
    await printWritten(call, path, result, { txn: options.txn, began })
  },
}
