import type { Command } from 'commander'
import { duration } from './human.ts'
import { tablePath } from './options.ts'
import type { Run, Verb } from './verb.ts'

/** `varve checkpoint PATH` */
export const verb: Verb = {
  usage: 'PATH',
  description: `Writes a checkpoint of the newest version, from which the table is opened without the commits before it.
Varve writes one by itself when it is due; this is for the moment before many readers come.`,
  examples: ['varve checkpoint events'],
  define(command: Command): void {
    command.argument('<path>', 'the folder of the table')
  },
  async run(run: Run, operands: readonly string[]): Promise<void> {
    const began = Date.now()
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../index.ts')
    run.progress.start(() => `writing a checkpoint of ${path}`)
    const { version, written } = await (await Table.open(path, { signal: run.signal })).checkpoint({ signal: run.signal })
    run.progress.stop()
    if (run.json) return run.output.write(`${JSON.stringify({ version, written })}\n`)
    if (run.quiet) return
    await run.output.write(
      written
        ? `${path}@${version}: checkpoint written, ${duration(Date.now() - began)}\n`
        : `${path}@${version} has a checkpoint: nothing written\n`,
    )
  },
}
