import type { Command } from 'commander'
import { counted } from './human.ts'
import { jsonLine } from './json.ts'
import { tablePath } from './options.ts'
import type { Run, Verb } from './verb.ts'

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
  async run(run: Run, [origin = '', clone = '']: readonly string[]): Promise<void> {
    const [path, target] = [await tablePath(origin), await tablePath(clone)]
    const { Table } = await import('../index.ts')
    const table = await Table.open(path, { signal: run.signal })
    const released = await table.unclone(target)
    if (run.json) return run.output.write(jsonLine({ released }))
    if (!run.quiet) await run.output.write(`${path}: ${counted(released, 'hold')} for ${target} ended\n`)
  },
}
