import type { Command } from 'commander'
import { parameters } from '../options/parameters.ts'
import { type AllowPathOption, allowPathOption, pointOption, tablePath } from '../options/references.ts'
import { type RowsOptions, rowsOptions } from '../options/rows.ts'
import { names, repeated, wrong } from '../options/values.ts'
import type { Invocation, Verb } from '../verb.ts'

interface LedgerVerbOptions extends RowsOptions, AllowPathOption {
  readonly from?: string
  readonly to?: string
  readonly columns?: readonly string[]
  readonly where?: string
  readonly param?: readonly string[]
}

/** `varve ledger PATH` */
export const verb: Verb = {
  usage: 'PATH [--from VERSION] [--to VERSION] [OPTIONS]',
  description: `Every row that was in the table at one of the versions, with the version that added it and the one that removed it (added, removed;
removed is NULL while the row lives). As of a version v the table is: added <= v AND (removed IS NULL OR removed > v). A row that a
version wrote anew, as an update or a compaction does, is removed and added by it. Where the table has a column added or removed, the two
are called _added_version and _removed_version.`,
  examples: [
    'varve ledger events',
    "varve ledger events --from 0 --to 1 --where 'removed IS NULL' --format csv",
    "varve ledger events --where 'id = $id' --param id=1 --columns id,added,removed",
  ],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .option('--from <point>', 'the first version, or an instant; default: the first that can be read')
      .option('--to <point>', 'the last version, or an instant; default: the newest')
      .option('--columns <names>', 'only these columns, separated by commas', names)
      .option('--where <predicate>', 'only rows for which this is true')
      .option('--param <name=value>', 'the value of $name in --where: JSON where it is JSON, else text; repeat for more', repeated)
    rowsOptions(allowPathOption(command))
  },
  async run(call: Invocation, [reference = '']: readonly string[], options: LedgerVerbOptions): Promise<void> {
    const { columns, where, allowPath: allowPaths } = options
    if (options.param !== undefined && where === undefined) throw wrong('--param is for --where.', 'Leave it out, or give a predicate.')
    const path = await tablePath(reference)
    const [from, to] = [await pointOption('--from', options.from), await pointOption('--to', options.to)]
    const params = parameters(options.param)
    const { Table } = await import('../../index.ts')
    call.progress.start(() => 'reading the history')
    const table = await Table.open(path, { signal: call.signal, ...(allowPaths && { allowPaths }) })
    const { writeRows } = await import('../print/rows.ts')
    await writeRows(call, table.ledger({ from, to, columns, where, params, signal: call.signal }), options)
  },
}
