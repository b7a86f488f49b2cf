import { statSync } from 'node:fs'
import type { Command } from 'commander'
import type { RemovedLoad } from '../../index.ts'
import { openReference, type PointOptions, pointOf, pointOptions } from '../options/references.ts'
import { wrong } from '../options/values.ts'
import { type WriteOptions, writeOptions, writingOf } from '../options/writing.ts'
import { counted } from '../print/human.ts'
import { printWritten } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

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
  async run(call: Invocation, [reference = '']: readonly string[], options: RestoreOptions): Promise<void> {
    const began = Date.now()
    const { parseReference } = await import('../../index.ts')
    const { signal } = call
    const { resetTxn } = options
    const writing = writingOf(options)
    const isPin = reference.endsWith('.varve') || statSync(reference, { throwIfNoEntry: false })?.isFile() === true
    const point = isPin ? undefined : (parseReference(reference).point ?? pointOf(options))
    if (!isPin && point === undefined) throw wrong('Which version to restore is not said.', 'Write it behind an @, as in events@3.')
    call.progress.start(() => `restoring ${reference}`)
    const { table, snapshot, path } = await openReference(reference, options, signal)
    const result = await table.restore(point ?? snapshot.version, { resetTxn, ...writing, signal })
    const { version, alreadyApplied, metrics, restored, removedLoads } = result
    const { numRemovedFiles = 0, numRestoredFiles = 0 } = metrics
    const what =
      version === restored || (numRemovedFiles === 0 && numRestoredFiles === 0)
        ? `as version ${restored}, no file differs`
        : `as version ${restored}, ${counted(numRemovedFiles, 'file')} removed and ${counted(numRestoredFiles, 'file')} restored`
    await printWritten(call, path, result, { txn: options.txn, began, what, more: { restored, removedLoads } })
    if (call.json || call.quiet || alreadyApplied) return
    for (const load of removedLoads) await call.output.write(`  ${lost(load, resetTxn === true)}\n`)
  },
}

function lost({ appId, version, restoredVersion }: RemovedLoad, reset: boolean): string {
  const after = restoredVersion === null ? 'all its loads' : `what it loaded after ${restoredVersion}`
  const then = reset ? 'it can be loaded again' : 'it still counts as applied (--reset-txn)'
  return `${appId} lost ${after}, up to ${version}: ${then}`
}
