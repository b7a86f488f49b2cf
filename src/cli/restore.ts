import { statSync } from 'node:fs'
import type { Command } from 'commander'
import type { RemovedLoad } from '../index.ts'
import { counted, duration } from './human.ts'
import {
  openReference,
  type PointOptions,
  pointOf,
  pointOptions,
  provenanceOf,
  transaction,
  type WriteOptions,
  writeOptions,
  wrong,
} from './options.ts'
import type { Run, Verb } from './verb.ts'

interface RestoreOptions extends WriteOptions, PointOptions {
  readonly resetTxn?: boolean
}

/** `varve restore REF` */
export const verb: Verb = {
  usage: 'REF [OPTIONS]',
  description: `Makes a new version with the rows, schema and properties of an earlier one. No version is lost: what came between stays readable, and a restore can be restored.
Loads whose rows are taken away still count as applied, and are named; with --reset-txn they may be loaded again.`,
  examples: ["varve restore events@0 --reset-txn --message 'February again'", 'varve restore events@1'],
  define(command: Command): void {
    pointOptions(command.argument('<ref>', 'the table and the version, as in events@3'))
    writeOptions(command.option('--reset-txn', 'the loads that are taken away count as not applied'))
  },
  async run(run: Run, [reference = '']: readonly string[], options: RestoreOptions): Promise<void> {
    const began = Date.now()
    const { parseReference } = await import('../index.ts')
    const { signal } = run
    const { resetTxn, message, source, isolation, txn } = options
    const isPin = reference.endsWith('.varve') || statSync(reference, { throwIfNoEntry: false })?.isFile() === true
    const point = isPin ? undefined : (parseReference(reference).point ?? pointOf(options))
    if (!isPin && point === undefined) throw wrong('Which version to restore is not said.', 'Write it behind an @, as in events@3.')
    run.progress.start(() => `restoring ${reference}`)
    const { table, snapshot, path } = await openReference(reference, options, signal)
    const result = await table.restore(point ?? snapshot.version, {
      resetTxn,
      message,
      source,
      isolation,
      txn: transaction(txn),
      provenance: provenanceOf(options),
      signal,
    })
    const { version, operation, alreadyApplied, metrics, restored, removedLoads } = result
    for (const warning of result.warnings) run.warn(warning)
    if (run.json) {
      return run.output.write(`${JSON.stringify({ version, operation, alreadyApplied, metrics, restored, removedLoads })}\n`)
    }
    if (run.quiet) return
    if (alreadyApplied) return run.output.write(`${txn} was applied before: nothing changed, ${path} is at version ${version}.\n`)
    const what =
      version === restored || (metrics.numRemovedFiles === 0 && metrics.numRestoredFiles === 0)
        ? `as version ${restored}, no file differs`
        : `as version ${restored}, ${counted(metrics.numRemovedFiles ?? 0, 'file')} removed and ${counted(metrics.numRestoredFiles ?? 0, 'file')} restored`
    await run.output.write(`${path}@${version}: ${what}, ${duration(Date.now() - began)}\n`)
    for (const load of removedLoads) await run.output.write(`  ${lost(load, resetTxn === true)}\n`)
  },
}

function lost({ appId, version, restoredVersion }: RemovedLoad, reset: boolean): string {
  const after = restoredVersion === null ? 'all its loads' : `what it loaded after ${restoredVersion}`
  const then = reset ? 'it can be loaded again' : 'it still counts as applied (--reset-txn)'
  return `${appId} lost ${after}, up to ${version}: ${then}`
}
