import type { Command } from 'commander'
import { tablePath } from '../options/references.ts'
import { duration } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import type { Invocation, Verb } from '../verb.ts'

/** `varve checkpoint PATH` */
export const verb: Verb = {
  usage: 'PATH',
  description: `Writes a checkpoint of the newest version, from which the table is opened without the commits before it.
Varve writes one by itself when it is due; this is for the moment before many readers come.`,
  examples: ['varve checkpoint events'],
  define(command: Command): void {
    command.argument('<path>', 'the folder of the table')
  },
  async run(call: Invocation, operands: readonly string[]): Promise<void> {
    const began = Date.now()
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../../index.ts')
    call.progress.start(() => `writing a checkpoint of ${path}`)
    const { version, written } = await (await Table.open(path, { signal: call.signal })).checkpoint({ signal: call.signal })
    call.progress.stop()
    if (call.json) return call.output.write(jsonLine({ version, written }))
    if (call.quiet) return
    await call.output.write(
      written
        ? `${path}@${version}: checkpoint written, ${duration(Date.now() - began)}\n`
        : `${path}@${version} has a checkpoint: nothing written\n`,
    )
  },
}
