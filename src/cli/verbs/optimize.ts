import type { Command } from 'commander'
import type { CommitResult } from '../../index.ts'
import { tablePath } from '../options/references.ts'
import { names, wrong } from '../options/values.ts'
import { type WriteOptions, writeOptions, writingOf } from '../options/writing.ts'
import { byteSize, counted, duration } from '../print/human.ts'
import { printWritten } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

interface OptimizeCommandOptions extends WriteOptions {
  readonly zorder?: readonly string[]
  readonly hilbert?: readonly string[]
  readonly targetSize?: number
  readonly where?: string
}

/** `varve optimize PATH` */
export const verb: Verb = {
  usage: 'PATH [OPTIONS]',
  description: `Rewrites small files, and files with deleted rows, as fewer ones, or lays rows out by the values of columns, as one version in which no row
changes. Files that are good stay as they are, and older versions keep theirs. Where there is nothing to do, no version is made.`,
  examples: [
    'varve optimize events',
    'varve optimize readings --hilbert id,city',
    "varve optimize events --where 'id > 0' --target-size 64MB",
  ],
  define(command: Command): void {
    writeOptions(
      command
        .argument('<path>', 'the folder of the table')
        .option(
          '--zorder <columns>',
          'lay rows out by the values of these columns, so that queries that filter by any of them need few files',
          names,
        )
        .option('--hilbert <columns>', "the same along Hilbert's curve, which keeps neighbours closer together", names)
        .option('--target-size <size>', 'how large a file should be, such as 64MB; default: delta.targetFileSize, else 128MB', sizeOf)
        .option('--where <predicate>', 'only files whose rows all fulfil a predicate: over partition columns as a rule'),
    )
  },
  async run(call: Invocation, operands: readonly string[], options: OptimizeCommandOptions): Promise<void> {
    const began = Date.now()
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../../index.ts')
    const writing = writingOf(options)
    call.progress.start(() => `optimizing ${path}`)
    const table = await Table.open(path, { signal: call.signal })
    const { zorder, hilbert, targetSize, where } = options
    const result = await table.optimize({ zorder, hilbert, targetSize, where, ...writing, signal: call.signal })
    call.progress.stop()
    if (call.json || result.alreadyApplied) return printWritten(call, path, result, { txn: options.txn, began })
    for (const warning of result.warnings) call.warn(warning)
    if (!call.quiet) await call.output.write(summary(path, result, duration(Date.now() - began)))
  },
}

function summary(path: string, { version, metrics }: CommitResult, took: string): string {
  const { numRemovedFiles = 0, numRemovedBytes = 0, numAddedFiles = 0, numAddedBytes = 0 } = metrics
  if (numRemovedFiles === 0) return `${path}@${version}: nothing to do, no file would become better\n`
  const before = `${counted(numRemovedFiles, 'file')} (${byteSize(numRemovedBytes)})`
  return `${path}@${version}: ${before} became ${counted(numAddedFiles, 'file')} (${byteSize(numAddedBytes)}), ${took}\n`
}

const units: Readonly<Record<string, number>> = { '': 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

/** Bytes, with K, M or G for 1024 and its powers. */
function sizeOf(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(b|[kmg](?:i?b)?)?$/i.exec(text) ?? []
  const bytes = Math.round(Number(number) * (units[unit.slice(0, 1).toLowerCase()] ?? Number.NaN))
  if (number === '' || !Number.isSafeInteger(bytes) || bytes <= 0)
    throw wrong(`'${text}' is no size of a file.`, 'Write it as a number of bytes, or with a unit, as in --target-size 64MB.')
  return bytes
}
