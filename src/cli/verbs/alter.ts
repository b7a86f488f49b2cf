import type { Command } from 'commander'
import type { PlaceOptions, TableChange } from '../../index.ts'
import { tablePath } from '../options/references.ts'
import { pairs, wrong } from '../options/values.ts'
import { type WriteOptions, writeOptions, writingOf } from '../options/writing.ts'
import { printWritten } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

interface AlterOptions extends WriteOptions {
  readonly first?: boolean
  readonly after?: string
}

/** One kind of change: what stands behind its word, and what the library is asked for. */
interface Kind {
  readonly operands: string
  readonly change: (operands: readonly string[], place: PlaceOptions) => TableChange
  /** Whether `--first` and `--after` mean something. */
  readonly placed?: boolean
}

const kinds: Readonly<Record<string, Kind>> = {
  add: { operands: 'NAME TYPE', placed: true, change: ([name = '', type = ''], place) => ({ add: { name, type, ...place } }) },
  rename: { operands: 'NAME NEW', change: ([name = '', to = '']) => ({ rename: { name, to } }) },
  drop: { operands: 'NAME', change: ([name = '']) => ({ drop: name }) },
  widen: { operands: 'NAME TYPE', change: ([name = '', type = '']) => ({ widen: { name, type } }) },
  nullable: { operands: 'NAME', change: ([name = '']) => ({ nullable: name }) },
  'not-null': { operands: 'NAME', change: ([name = '']) => ({ notNull: name }) },
  comment: { operands: 'NAME TEXT', change: ([name = '', text = '']) => ({ comment: { name, text } }) },
  move: { operands: 'NAME', placed: true, change: ([name = ''], place) => ({ move: { name, ...place } }) },
  default: {
    operands: 'NAME [EXPR]',
    change: ([name = '', expression]) => ({ default: { name, expression } }),
  },
  generated: {
    operands: 'NAME TYPE EXPR',
    change: ([name = '', type = '', expression = '']) => ({ generated: { name, type, expression } }),
  },
  identity: { operands: 'NAME', change: ([name = '']) => ({ identity: name }) },
  set: { operands: 'KEY=VALUE...', change: (operands) => ({ set: pairs('property', operands) }) },
  unset: { operands: 'KEY...', change: (operands) => ({ unset: operands }) },
  'constraint add': { operands: 'NAME EXPR', change: ([name = '', expression = '']) => ({ addConstraint: { name, expression } }) },
  'constraint drop': { operands: 'NAME', change: ([name = '']) => ({ dropConstraint: name }) },
}

/** `varve alter PATH CHANGE` */
export const verb: Verb = {
  usage: `PATH CHANGE [OPTIONS]\n\nChanges:\n${Object.entries(kinds)
    .map(([name, { operands, placed }]) => `  ${name} ${operands}${placed ? ' [--first|--after OTHER]' : ''}`)
    .join('\n')}`,
  description: `Changes columns, rules or properties of a table, as one new version; no data file is touched. A nested column is named with dots: address.zip, tags.element.label, prices.value.
Where a change needs a table feature that the table lacks, it gets it, and a warning says so.`,
  examples: [
    'varve alter events add country VARCHAR --after city',
    "varve alter events comment city 'as the sensor says'",
    'varve alter events rename city town',
    'varve alter events rename town city',
    'varve alter events set delta.checkpointInterval=50 owner=ops',
    'varve alter events unset owner',
    "varve alter events constraint add positive 'id > 0'",
    'varve alter events constraint drop positive',
    'varve alter events default city "\'Oslo\'"',
    'varve alter events default city',
    'varve alter events drop country --message done',
  ],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .argument('<change>', `one of ${Object.keys(kinds).join(', ')}`)
      .argument('[operand...]', 'what the change is of')
      .option('--first', 'with add and move: before the other columns')
      .option('--after <column>', 'with add and move: behind that column')
    writeOptions(command)
  },
  async run(call: Invocation, [reference = '', word = '', ...operands]: readonly string[], options: AlterOptions): Promise<void> {
    const began = Date.now()
    const change = changeOf(word, operands, options)
    const writing = writingOf(options)
    const path = await tablePath(reference)
    const { Table } = await import('../../index.ts')
    const { signal } = call
    call.progress.start(() => `altering ${path}`)
    const table = await Table.open(path, { signal })
    const result = await table.alter(change, { ...writing, signal })
    const { changes, features } = result
    const what = changes.length > 0 ? changes.join(', ') : 'it is so already, nothing changed'
    await printWritten(call, path, result, { txn: options.txn, began, what, more: { changes, features } })
  },
}

function changeOf(firstWord: string, rest: readonly string[], { first, after }: AlterOptions): TableChange {
  // Two words name the changes of constraints.
  const [word, operands] = firstWord === 'constraint' ? [`constraint ${rest[0] ?? ''}`.trim(), rest.slice(1)] : [firstWord, rest]
  const kind = Object.hasOwn(kinds, word) ? kinds[word]! : undefined
  if (kind === undefined) throw wrong(`'${word}' is no change of a table.`, `The changes are: ${Object.keys(kinds).join(', ')}.`)
  const wanted = kind.operands.split(' ')
  const least = wanted.filter((operand) => !operand.startsWith('[')).length
  const most = kind.operands.endsWith('...') ? Number.POSITIVE_INFINITY : wanted.length
  if (operands.length < least || operands.length > most)
    throw wrong(`${word} takes ${kind.operands}.`, `Write varve alter PATH ${word} ${kind.operands}; quote what holds spaces.`)
  if (!kind.placed && (first || after !== undefined))
    throw wrong(`--first and --after are for add and move, not for ${word}.`, 'Leave them out.')
  if (first && after !== undefined) throw wrong('--first and --after contradict each other.', 'Give one of them.')
  if (word === 'move' && !first && after === undefined)
    throw wrong('Where to move the column is not said.', 'Add --first, or --after NAME.')
  return kind.change(operands, { first, after })
}
