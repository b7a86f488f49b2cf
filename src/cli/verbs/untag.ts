import type { Command } from 'commander'
import { tablePath } from '../options/references.ts'
import { jsonLine } from '../print/json.ts'
import type { Invocation, Verb } from '../verb.ts'

/** `varve untag PATH NAME` */
export const verb: Verb = {
  usage: 'PATH NAME [OPTIONS]',
  description: 'Takes a name from its version, which vacuum may then end. That the tag was there stays on record.',
  examples: ['varve tag events wrong', 'varve untag events wrong'],
  define(command: Command): void {
    command.argument('<path>', 'the folder of the table').argument('<name>', 'the tag')
  },
  async run(call: Invocation, [reference = '', name = '']: readonly string[]): Promise<void> {
    const path = await tablePath(reference)
    const { Table } = await import('../../index.ts')
    const table = await Table.open(path, { signal: call.signal })
    const tag = await table.untag(name, { signal: call.signal })
    if (call.json) return call.output.write(jsonLine(tag))
    if (!call.quiet) await call.output.write(`${path}: ${tag.name} no longer names version ${tag.version}\n`)
  },
}
