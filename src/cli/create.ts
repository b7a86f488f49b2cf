import type { Command } from 'commander'
import { names, oneOf, pairs, provenanceOf, repeated, tablePath, transaction, type WriteOptions, writeOptions, wrong } from './options.ts'
import type { Run, Verb } from './verb.ts'
import { printWritten } from './written.ts'

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
  async run(run: Run, operands: readonly string[], options: CreateOptions): Promise<void> {
    const began = Date.now()
    const { schema, like, fromParquet } = options
    if ([schema, like, fromParquet].filter((way) => way !== undefined).length !== 1)
      throw wrong(
        'Exactly one of --schema, --like and --from-parquet says what columns the table has.',
        "Write --schema 'id BIGINT, name VARCHAR', for example.",
      )
    const path = await tablePath(operands[0] ?? '')
    const properties = pairs('--property', options.property)
    const { Table } = await import('../index.ts')
    run.progress.start(() => `creating ${path}`)
    const { partitionBy, preset, ifNotExists, message, source, isolation } = options
    const txn = transaction(options.txn)
    const { signal } = run
    const create = {
      schema,
      like,
      fromParquet,
      partitionBy,
      properties,
      preset,
      ifNotExists,
      txn,
      message,
      source,
      isolation,
      provenance: provenanceOf(options),
      signal,
    }
    const { lastWrite } = await Table.create(path, create)
    if (lastWrite !== undefined) await printWritten(run, path, lastWrite, { txn: options.txn, began })
  },
}
