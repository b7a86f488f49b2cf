import type { Command } from 'commander'
import { pairs, provenanceOf, repeated, tablePath, transaction, type WriteOptions, writeOptions, wrong } from './options.ts'
import { parameters } from './parameters.ts'
import type { Run, Verb } from './verb.ts'
import { printWritten } from './written.ts'

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
  async run(run: Run, operands: readonly string[], options: DeleteOptions): Promise<void> {
    const began = Date.now()
    const { where, message, source, isolation } = options
    if (where === undefined) throw wrong('Which rows are to go is not said.', 'Add --where PREDICATE; --where true means every row.')
    const [txn, params] = [transaction(options.txn), parameters(pairs('--param', options.param))]
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../index.ts')
    run.progress.start(() => `deleting from ${path}`)
    const table = await Table.open(path, { signal: run.signal })
    const result = await table.delete({
      where,
      params,
      txn,
      message,
      source,
      isolation,
      provenance: provenanceOf(options),
      signal: run.signal,
    })
    await printWritten(run, path, result, { txn: options.txn, began })
  },
}
