import type { Command } from 'commander'
import type { Remote, Table } from '../index.ts'
import { type ListColumn, writeList } from './columns.ts'
import { instant } from './human.ts'
import { jsonLine } from './json.ts'
import { tablePath, wrong } from './options.ts'
import type { Run, Verb } from './verb.ts'

const columns: readonly ListColumn<Remote>[] = [
  { heading: 'NAME', cell: ({ name }) => name },
  { heading: 'URL', cell: ({ url }) => url },
  { heading: 'RECORDED', cell: ({ time }) => instant(time) },
]

/** What can be done, and the operands that it takes. */
const actions: Readonly<
  Record<string, { readonly operands: readonly string[]; run(run: Run, table: Table, operands: readonly string[]): Promise<void> }>
> = {
  add: {
    operands: ['NAME', 'URL'],
    run: async (run, table, [name = '', url = '']) => told(run, await table.remotes.add(name, url, { signal: run.signal }), 'recorded'),
  },
  list: { operands: [], run: async (run, table) => list(run, await table.remotes.list({ signal: run.signal })) },
  remove: {
    operands: ['NAME'],
    run: async (run, table, [name = '']) => told(run, await table.remotes.remove(name, { signal: run.signal }), 'forgotten'),
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
  async run(run: Run, [word = '', reference = '', ...operands]: readonly string[]): Promise<void> {
    const action = Object.hasOwn(actions, word) ? actions[word]! : undefined
    if (action === undefined) throw wrong(`'${word}' is nothing to do with remotes.`, `Write one of: ${Object.keys(actions).join(', ')}.`)
    if (operands.length !== action.operands.length) {
      throw wrong(
        `remote ${word} takes ${['PATH', ...action.operands].join(' ')}.`,
        `Write varve remote ${word} ${['PATH', ...action.operands].join(' ')}.`,
      )
    }
    const path = await tablePath(reference)
    const { Table } = await import('../index.ts')
    await action.run(run, await Table.open(path, { signal: run.signal }), operands)
  },
}

async function told(run: Run, remote: Remote, what: string): Promise<void> {
  if (run.json) return run.output.write(jsonLine(remote))
  if (!run.quiet) await run.output.write(`${remote.name}: ${remote.url} ${what}\n`)
}

async function list(run: Run, remotes: readonly Remote[]): Promise<void> {
  if (run.json) return run.output.write(remotes.map(jsonLine).join(''))
  const each = async function* () {
    yield* remotes
  }
  await writeList(run.output, each(), columns)
}
