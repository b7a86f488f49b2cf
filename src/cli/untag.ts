import type { Command } from 'commander'
import { jsonLine } from './json.ts'
import { tablePath } from './options.ts'
import type { Run, Verb } from './verb.ts'

/** `varve untag PATH NAME` */
export const verb: Verb = {
  usage: 'PATH NAME [OPTIONS]',
  description: 'Takes a name from its version, which vacuum may then end. That the tag was there stays on record.',
  examples: ['varve tag events wrong', 'varve untag events wrong'],
  define(command: Command): void {
    command.argument('<path>', 'the folder of the table').argument('<name>', 'the tag')
  },
  async run(run: Run, [reference = '', name = '']: readonly string[]): Promise<void> {
    const path = await tablePath(reference)
    const { Table } = await import('../index.ts')
    const table = await Table.open(path, { signal: run.signal })
    const tag = await table.untag(name, { signal: run.signal })
    if (run.json) return run.output.write(jsonLine(tag))
    if (!run.quiet) await run.output.write(`${path}: ${tag.name} no longer names version ${tag.version}\n`)
  },
}
