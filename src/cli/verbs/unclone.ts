import type { Command } from 'commander'
import { tablePath } from '../options/references.ts'
import { counted } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import type { Invocation, Verb } from '../verb.ts'

/** `varve unclone ORIGIN PATH` */
export const verb: Verb = {
  usage: 'ORIGIN PATH [OPTIONS]',
  description: `Lets go of what a shallow clone at PATH needed: nothing holds its version in ORIGIN for it any more. The clone need not be there; where it is,
it may no longer read what it was made from. Nothing is deleted.`,
  examples: ['varve clone events@0 passing', 'varve unclone events passing'],
  define(command: Command): void {
    command
      .argument('<origin>', 'the folder of the table that was cloned')
      .argument('<path>', 'the folder that the clone lies in, or lay in')
  },
  async run(call: Invocation, [origin = '', clone = '']: readonly string[]): Promise<void> {
    const [path, target] = [await tablePath(origin), await tablePath(clone)]
    const { Table } = await import('../../index.ts')
    const table = await Table.open(path, { signal: call.signal })
    const released = await table.unclone(target)
    if (call.json) return call.output.write(jsonLine({ released }))
    if (!call.quiet) await call.output.write(`${path}: ${counted(released, 'hold')} for ${target} ended\n`)
  },
}
