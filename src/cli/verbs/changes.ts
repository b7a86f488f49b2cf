import type { Command } from 'commander'
import { parameters } from '../options/parameters.ts'
import { type AllowPathOption, allowPathOption, pointOption, tablePath } from '../options/references.ts'
import { type RowsOptions, rowsOptions } from '../options/rows.ts'
import { names, repeated, wrong } from '../options/values.ts'
import type { Invocation, Verb } from '../verb.ts'

interface ChangesVerbOptions extends RowsOptions, AllowPathOption {
  readonly from?: string
  readonly to?: string
  readonly sinceLast?: string
  readonly columns?: readonly string[]
  readonly where?: string
  readonly param?: readonly string[]
}

/** `varve changes PATH` */
export const verb: Verb = {
  usage: 'PATH --from VERSION|INSTANT [--to VERSION|INSTANT] | --since-last NAME [OPTIONS]',
  description: `The rows that changed between two versions, those of both meant: the table's columns, and what happened to the row, in which
version and when (_change_type, _commit_version, _commit_timestamp). The table must have had its change feed on: delta.enableChangeDataFeed.
--since-last gives what came since this reader's last time. Its bookmark is kept in the table and moves when the output is complete; a run
that fails leaves it where it was, and the same rows come again.`,
  examples: [
    'varve changes readings --from 1',
    'varve changes readings --from 0 --to 1 --format csv',
    'varve changes readings --since-last nightly --output changes.parquet',
    "varve changes readings --from 0 --where 'id > $least' --param least=1 --columns id,_change_type",
  ],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .option('--from <point>', 'the first version, or an instant; with --since-last: where a new bookmark begins')
      .option('--to <point>', 'the last version, or an instant; default: the newest')
      .option('--since-last <name>', 'what came since the last time that this name was given')
      .option('--columns <names>', 'only these columns, separated by commas', names)
      .option('--where <predicate>', 'only rows for which this is true')
      .option('--param <name=value>', 'the value of $name in --where: JSON where it is JSON, else text; repeat for more', repeated)
    rowsOptions(allowPathOption(command))
  },
  async run(call: Invocation, operands: readonly string[], options: ChangesVerbOptions): Promise<void> {
    const { from, to, sinceLast, columns, where, allowPath: allowPaths } = options
    if (from === undefined && sinceLast === undefined)
      throw wrong('Where the changes begin is missing.', 'Give --from, a version or an instant, or --since-last, a name for this reader.')
    if (options.param !== undefined && where === undefined) throw wrong('--param is for --where.', 'Leave it out, or give a predicate.')
    const path = await tablePath(operands[0] ?? '')
    const range = { from: await pointOption('--from', from), to: await pointOption('--to', to) }
    const params = parameters(options.param)
    const { Table } = await import('../../index.ts')
    call.progress.start(() => 'reading the changes')
    const table = await Table.open(path, { signal: call.signal, ...(allowPaths && { allowPaths }) })
    const feed = table.changes({ ...range, sinceLast, columns, where, params, signal: call.signal })
    const { writeRows } = await import('../print/rows.ts')
    // A table on a terminal leaves out rows, and these are not shown twice.
    await writeRows(call, feed, sinceLast !== undefined && options.output === undefined ? { format: 'ndjson', ...options } : options)
    if (sinceLast === undefined) return
    await feed.commit()
    const read = await feed.range()
    call.note(read === undefined ? `nothing new for ${sinceLast}` : `${sinceLast} has read versions ${read.from} to ${read.to}`)
  },
}
