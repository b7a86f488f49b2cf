import type { Command } from 'commander'
import { tablePath } from '../options/references.ts'
import { duration } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import { movedText, moving } from '../print/moved.ts'
import type { Invocation, Verb } from '../verb.ts'

/** `varve push PATH [REMOTE]` */
export const verb: Verb = {
  usage: 'PATH [REMOTE] [OPTIONS]',
  description: `Brings a remote, which is the same table elsewhere, to the table's newest version: only what it lacks, files first and the log last, so that any
engine reads it at every moment. REMOTE is a name (varve remote), a folder or a URL; default: origin. The first one is recorded as origin.`,
  examples: ['varve push events ./backup/events', 'varve push events', 'varve push events origin --json'],
  define(command: Command): void {
    command.argument('<path>', 'the folder of the table').argument('[remote]', 'a recorded name, a folder or a URL; default: origin')
  },
  async run(call: Invocation, [reference = '', remote]: readonly string[]): Promise<void> {
    const began = Date.now()
    const { signal } = call
    const path = await tablePath(reference)
    const { Table } = await import('../../index.ts')
    const { what, onProgress } = moving()
    call.progress.start(what)
    const table = await Table.open(path, { signal })
    const result = await table.push(remote, { onProgress, signal })
    call.progress.stop()
    for (const warning of result.warnings) call.warn(warning)
    if (call.json) return call.output.write(jsonLine(result))
    if (call.quiet) return
    const recorded = result.recorded ? ', recorded as origin' : ''
    const at = `${result.remote} is at version ${result.version}${recorded}`
    await call.output.write(`${path}: ${movedText(result)}; ${at}, ${duration(Date.now() - began)}\n`)
  },
}
