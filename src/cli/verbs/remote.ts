import type { Command } from 'commander'
import type { Remote, Table } from '../../index.ts'
import { tablePath } from '../options/references.ts'
import { wrong } from '../options/values.ts'
import { instant } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import { type ListColumn, writeList } from '../print/list.ts'
import type { Invocation, Verb } from '../verb.ts'

const columns: readonly ListColumn<Remote>[] = [
  { heading: 'NAME', cell: ({ name }) => name },
  { heading: 'URL', cell: ({ url }) => url },
  { heading: 'RECORDED', cell: ({ time }) => instant(time) },
]

/** What can be done, and the operands that it takes. */
const actions: Readonly<
  Record<string, { readonly operands: readonly string[]; run(call: Invocation, table: Table, operands: readonly string[]): Promise<void> }>
> = {
  add: {
    operands: ['NAME', 'URL'],
    run: async (call, table, [name = '', url = '']) => told(call, await table.remotes.add(name, url, { signal: call.signal }), 'recorded'),
  },
  list: { operands: [], run: async (call, table) => list(call, await table.remotes.list({ signal: call.signal })) },
  remove: {
    operands: ['NAME'],
    run: async (call, table, [name = '']) => told(call, await table.remotes.remove(name, { signal: call.signal }), 'forgotten'),
  },
}

/** `varve remote add|list|remove PATH ...` */
export const verb: Verb = {
  usage: 'add PATH NAME URL|FOLDER | list PATH | remove PATH NAME [OPTIONS]',
  description: `Where the same table lies elsewhere, for push and pull. A remote is a folder or a URL; no credentials are recorded. The first place that is pushed to is
recorded as origin by itself.`,
  examples: ['varve remote add events nightly ./nightly/events', 'varve remote list events', 'varve remote remove events nightly'],
  define(command: Command): void {
    command
      .argument('<action>', `one of ${Object.keys(actions).join(', ')}`)
      .argument('<path>', 'the folder of the table')
      .argument('[operand...]', 'the name, and with add the folder or URL')
  },
  async run(call: Invocation, [word = '', reference = '', ...operands]: readonly string[]): Promise<void> {
    const action = Object.hasOwn(actions, word) ? actions[word]! : undefined
    if (action === undefined) throw wrong(`'${word}' is nothing to do with remotes.`, `Write one of: ${Object.keys(actions).join(', ')}.`)
    if (operands.length !== action.operands.length) {
      throw wrong(
        `remote ${word} takes ${['PATH', ...action.operands].join(' ')}.`,
        `Write varve remote ${word} ${['PATH', ...action.operands].join(' ')}.`,
      )
    }
    const path = await tablePath(reference)
    const { Table } = await import('../../index.ts')
    await action.run(call, await Table.open(path, { signal: call.signal }), operands)
  },
}

async function told(call: Invocation, remote: Remote, what: string): Promise<void> {
  if (call.json) return call.output.write(jsonLine(remote))
  if (!call.quiet) await call.output.write(`${remote.name}: ${remote.url} ${what}\n`)
}

async function list(call: Invocation, remotes: readonly Remote[]): Promise<void> {
  if (call.json) return call.output.write(remotes.map(jsonLine).join(''))
  await writeList(call.output, remotes, columns)
}
