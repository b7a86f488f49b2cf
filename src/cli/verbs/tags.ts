import type { Command } from 'commander'
import type { Tag } from '../../index.ts'
import { tablePath } from '../options/references.ts'
import { instant, quantity, shortDigest } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import { type ListColumn, writeList } from '../print/list.ts'
import type { Invocation, Verb } from '../verb.ts'

const columns: readonly ListColumn<Tag>[] = [
  { heading: 'NAME', cell: (tag) => tag.name },
  { heading: 'VERSION', side: 'right', cell: (tag) => String(tag.version) },
  { heading: 'TAGGED', cell: (tag) => instant(tag.time) },
  { heading: 'ROWS', side: 'right', cell: (tag) => (tag.rows === null ? '?' : quantity(tag.rows)) },
  { heading: 'ID', cell: (tag) => shortDigest(tag.fingerprints.id) },
  { heading: 'ROWS DIGEST', cell: (tag) => shortDigest(tag.fingerprints.rows) },
  { heading: 'AUTHOR', cell: (tag) => tag.author ?? '' },
  { heading: 'MOVED FROM', side: 'right', cell: (tag) => (tag.replaces === null ? '' : String(tag.replaces)) },
  { heading: 'MESSAGE', cell: (tag) => tag.message ?? '' },
]

/** `varve tags PATH` */
export const verb: Verb = {
  usage: 'PATH [OPTIONS]',
  description: 'The tags of a table: which version each names, what it holds, who gave it, when and why.',
  examples: ['varve tags events', 'varve tags events --json'],
  define(command: Command): void {
    command.argument('<path>', 'the folder of the table')
  },
  async run(call: Invocation, operands: readonly string[]): Promise<void> {
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../../index.ts')
    call.progress.start(() => 'reading the tags')
    const table = await Table.open(path, { signal: call.signal })
    const tags = await table.tags({ signal: call.signal })
    if (call.json) return call.output.write(tags.map(jsonLine).join(''))
    await writeList(call.output, tags, columns)
  },
}
