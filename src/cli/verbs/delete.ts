import type { Command } from 'commander'
import { parameters } from '../options/parameters.ts'
import { tablePath } from '../options/references.ts'
import { repeated, wrong } from '../options/values.ts'
import { type WriteOptions, writeOptions, writingOf } from '../options/writing.ts'
import { printWritten } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

interface DeleteOptions extends WriteOptions {
  readonly where?: string
  readonly param?: readonly string[]
}

/** `varve delete PATH --where PREDICATE` */
export const verb: Verb = {
  usage: 'PATH --where PREDICATE [OPTIONS]',
  description: `Deletes the rows for which a predicate in DuckDB's SQL is true, as one new version. A row for which it gives NULL stays; older versions
stay as they are. To delete every row, write --where true.`,
  examples: [
    "varve delete events --where 'id = 2'",
    "varve delete events --where 'city = $city' --param city=Oslo --message 'Oslo asked for it'",
  ],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .option('--where <predicate>', "which rows, as after WHERE in DuckDB's SQL")
      .option('--param <name=value>', 'a value for $name in the predicate; repeat for more', repeated)
    writeOptions(command)
  },
  async run(call: Invocation, operands: readonly string[], options: DeleteOptions): Promise<void> {
    const began = Date.now()
    const { where, param } = options
    if (where === undefined) throw wrong('Which rows are to go is not said.', 'Add --where PREDICATE; --where true means every row.')
    const [writing, params] = [writingOf(options), parameters(param)]
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../../index.ts')
    call.progress.start(() => `deleting from ${path}`)
    const table = await Table.open(path, { signal: call.signal })
    const result = await table.delete({ where, params, ...writing, signal: call.signal })
    await printWritten(call, path, result, { txn: options.txn, began })
  },
}
