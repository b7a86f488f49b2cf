import type { Command } from 'commander'
import { tablePath } from '../options/references.ts'
import { names, oneOf, pairs, repeated, wrong } from '../options/values.ts'
import { type WriteOptions, writeOptions, writingOf } from '../options/writing.ts'
import { printWritten } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

interface CreateOptions extends WriteOptions {
  readonly schema?: string
  readonly like?: string
  readonly fromParquet?: boolean
  readonly partitionBy?: readonly string[]
  readonly property?: readonly string[]
  readonly preset?: 'wide'
  readonly ifNotExists?: boolean
}

/** `varve create PATH` */
export const verb: Verb = {
  usage: "PATH --schema 'COLUMNS' | --like FILE | --from-parquet [OPTIONS]",
  description: `Makes a table: version 0, without rows. With --from-parquet the Parquet files that lie in PATH become version 0 where they are.`,
  examples: [
    "varve create events --schema 'id BIGINT NOT NULL, ts TIMESTAMPTZ, city VARCHAR' --partition-by city",
    'varve create likewise --like january.parquet --property delta.appendOnly=true',
    'varve create shared --like january.parquet --preset wide --if-not-exists',
  ],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .option('--schema <columns>', "the columns as DuckDB's CREATE TABLE takes them: 'id BIGINT NOT NULL, name VARCHAR'")
      .option('--like <file>', 'the columns of a Parquet, CSV, JSON, NDJSON or Arrow file')
      .option('--from-parquet', 'the Parquet files in PATH, and their columns')
      .option('--partition-by <columns>', 'the partition columns, separated by commas', names)
      .option('--property <key=value>', 'a property of the table; repeat for more', repeated)
      .option('--preset <name>', 'wide: a table that more engines can write to', oneOf('--preset', ['wide']))
      .option('--if-not-exists', 'leave a table that is there as it is')
    writeOptions(command)
  },
  async run(call: Invocation, operands: readonly string[], options: CreateOptions): Promise<void> {
    const began = Date.now()
    const { schema, like, fromParquet } = options
    if ([schema, like, fromParquet].filter((way) => way !== undefined).length !== 1)
      throw wrong(
        'Exactly one of --schema, --like and --from-parquet says what columns the table has.',
        "Write --schema 'id BIGINT, name VARCHAR', for example.",
      )
    const path = await tablePath(operands[0] ?? '')
    const properties = pairs('--property', options.property)
    const writing = writingOf(options)
    const { Table } = await import('../../index.ts')
    call.progress.start(() => `creating ${path}`)
    const { partitionBy, preset, ifNotExists } = options
    const { signal } = call
    const create = { schema, like, fromParquet, partitionBy, properties, preset, ifNotExists, ...writing, signal }
    const { lastWrite } = await Table.create(path, create)
    if (lastWrite !== undefined) await printWritten(call, path, lastWrite, { txn: options.txn, began })
  },
}
