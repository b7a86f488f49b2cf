import { statSync } from 'node:fs'
import type { Command } from 'commander'
import type { Input, Snapshot } from '../../index.ts'
import { inputFormats, inputOf } from '../options/loading.ts'
import { clauseOptions, mergeClauses } from '../options/merge-clauses.ts'
import { parameters } from '../options/parameters.ts'
import { openReference, tablePath } from '../options/references.ts'
import { oneOf, repeated, wrong } from '../options/values.ts'
import { type WriteOptions, writeOptions, writingOf } from '../options/writing.ts'
import { printWritten } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

interface MergeOptions extends WriteOptions {
  readonly on?: string
  readonly format?: (typeof inputFormats)[number]
  readonly mergeSchema?: boolean
  readonly param?: readonly string[]
}

/** `varve merge PATH FILE|REF --on CONDITION CLAUSE...` */
export const verb: Verb = {
  usage: "PATH FILE|REF|- --on 'target.id = source.id' CLAUSE... [OPTIONS]",
  description: `Merges rows into a table, as one new version: the rows of a file, of another table (REF, as of any version), or of stdin. In expressions the
table is called target and what is merged source. Each clause may repeat, and is followed by its own --if and --set; the first that fits a row counts.`,
  examples: [
    "varve merge events february.csv --on 'target.id = source.id' --when-matched-update --when-not-matched-insert",
    "varve merge events events@0 --on 'target.id = source.id' --when-matched-update --if 'target.city IS NULL' --set 'city = source.city'",
  ],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .argument('<source>', 'a Parquet, CSV, JSON, NDJSON or Arrow file, a table with or without a point in its history, or - for stdin')
      .option('--on <condition>', "which rows belong together: 'target.id = source.id'")
    clauseOptions(command)
      .option(
        '--format <format>',
        `of the file, one of ${inputFormats.join(', ')}; default: by the extension`,
        oneOf('--format', inputFormats),
      )
      .option('--merge-schema', 'columns that the table lacks are added to it')
      .option('--param <name=value>', 'a value for $name in the expressions; repeat for more', repeated)
    writeOptions(command)
  },
  async run(call: Invocation, operands: readonly string[], options: MergeOptions): Promise<void> {
    const began = Date.now()
    const [reference = '', given = ''] = operands
    const { on, mergeSchema, param } = options
    if (on === undefined) throw wrong('Which rows belong together is not said.', "Add --on 'target.id = source.id'.")
    const clauses = mergeClauses({ ...options })
    const [writing, params] = [writingOf(options), parameters(param)]
    const path = await tablePath(reference)
    const source = await sourceOf(given, options.format, call.signal)
    const { Table } = await import('../../index.ts')
    call.progress.start(() => `merging into ${path}`)
    const table = await Table.open(path, { signal: call.signal })
    const result = await table.merge(source, { on, ...clauses, mergeSchema, params, ...writing, signal: call.signal })
    await printWritten(call, path, result, { txn: options.txn, began })
  },
}

/** A file, where there is one of that name that is no pin; else a table. */
async function sourceOf(given: string, format: MergeOptions['format'], signal: AbortSignal): Promise<Input | Snapshot> {
  const isFile = statSync(given, { throwIfNoEntry: false })?.isFile() === true && !given.endsWith('.varve')
  if (given === '-' || format !== undefined || isFile) return inputOf([given], format)
  return (await openReference(given, {}, signal)).snapshot
}
