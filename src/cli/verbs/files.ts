import type { Command } from 'commander'
import type { FileEntry } from '../../index.ts'
import { openReference, type PointOptions, pointOptions } from '../options/references.ts'
import { byteSize, counted, instant, quantity } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import { type ListColumn, writeList } from '../print/list.ts'
import type { Invocation, Verb } from '../verb.ts'

const columns: readonly ListColumn<FileEntry>[] = [
  { heading: 'ROWS', side: 'right', cell: (file) => (file.rows === null ? '?' : quantity(file.rows)) },
  { heading: 'DELETED', side: 'right', cell: (file) => (file.deletedRows ? quantity(file.deletedRows) : '') },
  { heading: 'SIZE', side: 'right', cell: (file) => byteSize(file.bytes) },
  { heading: 'MODIFIED', cell: (file) => instant(file.modified) },
  { heading: 'PARTITION', cell: (file) => partition(file.partition) },
  { heading: 'PATH', cell: (file) => file.path },
]

/** `varve files REF` */
export const verb: Verb = {
  usage: 'REF [OPTIONS]',
  description: 'The data files of a version: rows, size, partition and path of each.',
  examples: ['varve files events', 'varve files events@0 --json'],
  define(command: Command): void {
    pointOptions(command.argument('<ref>', 'the table, as of a version'))
  },
  async run(call: Invocation, operands: readonly string[], options: PointOptions): Promise<void> {
    call.progress.start(() => 'reading the log')
    const { snapshot } = await openReference(operands[0] ?? '', options, call.signal)
    const files = snapshot.files({ signal: call.signal })
    if (call.json) {
      for await (const file of files) await call.output.write(jsonLine(file))
      return
    }
    let bytes = 0
    const summed = async function* () {
      for await (const file of files) {
        bytes += file.bytes
        yield file
      }
    }
    const count = await writeList(call.output, summed(), columns)
    call.note(`${counted(count, 'file')}, ${byteSize(bytes)}, at version ${snapshot.version}`)
  },
}

function partition(values: Readonly<Record<string, unknown>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value ?? 'NULL'}`)
    .join(' ')
}
