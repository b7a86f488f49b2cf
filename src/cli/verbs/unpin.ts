import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { jsonLine } from '../print/json.ts'
import type { Invocation, Verb } from '../verb.ts'

interface UnpinOptions {
  readonly table?: string
}

/** `varve unpin FILE` */
export const verb: Verb = {
  usage: 'FILE [OPTIONS]',
  description: `Deletes a pin, and nothing holds its version for it any more. Where the file is gone already, name the table: what the pin held is found by
the path that it had.`,
  examples: ['varve pin events mine.varve', 'varve unpin mine.varve'],
  define(command: Command): void {
    command.argument('<file>', 'the pin').option('--table <path>', 'the folder of the table; default: what the pin says')
  },
  async run(call: Invocation, [file = '']: readonly string[], options: UnpinOptions): Promise<void> {
    const { signal } = call
    const { readPin, Table } = await import('../../index.ts')
    const path = options.table ?? join(dirname(file), (await readPin(file)).table)
    const table = await Table.open(path, { signal })
    const result = await table.unpin(file)
    if (call.json) return call.output.write(jsonLine(result))
    const version = result.pin === null ? 'what it held' : `version ${result.pin.version}`
    if (!call.quiet) await call.output.write(`${path}: ${file} no longer holds ${version}\n`)
  },
}
