import type { Command } from 'commander'
import { assignments } from '../options/assignments.ts'
import { parameters } from '../options/parameters.ts'
import { tablePath } from '../options/references.ts'
import { repeated, wrong } from '../options/values.ts'
import { type WriteOptions, writeOptions, writingOf } from '../options/writing.ts'
import { printWritten } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

interface UpdateOptions extends WriteOptions {
  readonly set?: readonly string[]
  readonly where?: string
  readonly param?: readonly string[]
}

/** `varve update PATH --set 'c = expr'... [--where PREDICATE]` */
export const verb: Verb = {
  usage: "PATH --set 'COLUMN = EXPRESSION'... [--where PREDICATE] [OPTIONS]",
  description: `Gives rows new values, as one new version. The expressions are DuckDB's SQL and see each row as it was. Without --where, every row
changes; a row for which the predicate gives NULL stays as it is.`,
  examples: ["varve update events --set \"city = 'Bergen'\" --where 'id = 2'", "varve update events --set 'city = upper(city)'"],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .option(
        '--set <assignment>',
        "a column, or a field of one (address.zip), and its new value: 'price = price * 1.1'; repeat for more",
        repeated,
      )
      .option('--where <predicate>', "which rows, as after WHERE in DuckDB's SQL")
      .option('--param <name=value>', 'a value for $name in the expressions; repeat for more', repeated)
    writeOptions(command)
  },
  async run(call: Invocation, operands: readonly string[], options: UpdateOptions): Promise<void> {
    const began = Date.now()
    const { where, param } = options
    if (options.set === undefined) throw wrong('No column is to change.', "Add --set 'COLUMN = EXPRESSION'.")
    const set = assignments(options.set)
    const [writing, params] = [writingOf(options), parameters(param)]
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../../index.ts')
    call.progress.start(() => `updating ${path}`)
    const table = await Table.open(path, { signal: call.signal })
    const result = await table.update({ set, where, params, ...writing, signal: call.signal })
    await printWritten(call, path, result, { txn: options.txn, began })
  },
}
