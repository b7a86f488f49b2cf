import type { Command } from 'commander'
import { type AllowPathOption, allowPathOption, openReference } from '../options/references.ts'
import { type RowsOptions, rowsOptions } from '../options/rows.ts'
import { names, wrong } from '../options/values.ts'
import type { Invocation, Verb } from '../verb.ts'

interface DiffVerbOptions extends RowsOptions, AllowPathOption {
  readonly key?: readonly string[]
  readonly columns?: readonly string[]
  readonly summary?: boolean
}

/** `varve diff REF REF` */
export const verb: Verb = {
  usage: 'REF REF [--key COLUMN,...] [--summary] [OPTIONS]',
  description: `The rows that differ between two versions of a table, whatever lay between: what the second has more is insert in the column
_change_type, what the first has more is delete. With --key, two rows of one key that differ are update_preimage and update_postimage.
They come in the columns of the later version; columns that were dropped are not compared.`,
  examples: [
    'varve diff events@0 events --key id --format csv',
    'varve diff events@0 events --key id --summary',
    'varve diff events events@0 --columns city --output diff.parquet',
  ],
  define(command: Command): void {
    command
      .argument('<before>', 'the table as of one version')
      .argument('<after>', 'the same table as of another, earlier or later')
      .option('--key <names>', 'columns that tell rows apart, separated by commas', names)
      .option('--columns <names>', 'compare only these columns, and those of the key', names)
      .option('--summary', 'numbers instead of rows: for each kind of change, and with --key how many values of each column changed')
    rowsOptions(allowPathOption(command))
  },
  async run(call: Invocation, [first = '', second = '']: readonly string[], options: DiffVerbOptions): Promise<void> {
    const { key, columns, summary } = options
    const [before, after] = [await openReference(first, options, call.signal), await openReference(second, options, call.signal)]
    if (before.snapshot.location !== after.snapshot.location)
      throw wrong(
        `${before.path} and ${after.path} are two tables.`,
        'Name two versions of one table; rows of two tables are compared with varve query.',
      )
    call.progress.start(() => 'comparing')
    const result = before.table.diff(before.snapshot.version, after.snapshot.version, { key, columns, summary, signal: call.signal })
    const { writeRows } = await import('../print/rows.ts')
    await writeRows(call, result, options)
  },
}
