import type { Command } from 'commander'
import type { EraseResult, Erasure, VersionSpan } from '../index.ts'
import { byteSize, counted } from './human.ts'
import { pairs, repeated, tablePath, transaction, type WriteOptions, writeOptions, wrong } from './options.ts'
import { parameters } from './parameters.ts'
import type { Run, Verb } from './verb.ts'
import { change } from './written.ts'

interface EraseCommandOptions extends WriteOptions {
  readonly where?: string
  readonly param?: readonly string[]
  readonly everywhere?: boolean
  readonly confirm?: boolean
}

/** `varve erase PATH --where PREDICATE` */
export const verb: Verb = {
  usage: 'PATH --where PREDICATE [OPTIONS]',
  description: `Erases rows, as the right to be forgotten asks: a new version without them, in files that do not hold them. With --everywhere it tells which older
versions, tags, runs and archives hold them, and with --confirm it ends those versions for good: their files are deleted. What the log still
shows of the rows, and where copies may be that this does not reach, is said. The predicate is not recorded.`,
  examples: [
    "varve erase events --where 'id = 4'",
    "varve erase events --where 'id = $id' --param id=4 --everywhere",
    "varve erase events --where 'id = $id' --param id=4 --everywhere --confirm --message 'request 17'",
  ],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .option('--where <predicate>', "which rows, as after WHERE in DuckDB's SQL")
      .option('--param <name=value>', 'a value for $name in the predicate; repeat for more', repeated)
      .option('--everywhere', 'look through all older versions and archives too')
      .option('--confirm', 'with --everywhere: end the versions that hold the rows')
    writeOptions(command)
  },
  async run(run: Run, operands: readonly string[], options: EraseCommandOptions): Promise<void> {
    const { where, message, source, isolation, everywhere, confirm } = options
    if (where === undefined) throw wrong('Which rows are to be erased is not said.', 'Add --where PREDICATE.')
    const [txn, params] = [transaction(options.txn), parameters(pairs('--param', options.param))]
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../index.ts')
    run.progress.start(() => `erasing from ${path}`)
    const table = await Table.open(path, { signal: run.signal })
    const result = await table.erase({ where, params, everywhere, confirm, txn, message, source, isolation, signal: run.signal })
    run.progress.stop()
    for (const warning of result.warnings) run.warn(warning)
    if (run.json) {
      const { warnings, ...told } = result
      return run.output.write(`${JSON.stringify(told)}\n`)
    }
    if (!run.quiet) await run.output.write(text(path, result))
  },
}

function text(path: string, { version, metrics, everywhere }: EraseResult): string {
  const lines = [`${path}@${version}: ${change(metrics) || 'no such rows'} in the newest version`]
  if (everywhere === null) lines.push('Older versions are as they were: --everywhere tells which of them hold the rows.')
  else lines.push(...erasureLines(everywhere))
  return `${lines.join('\n')}\n`
}

function erasureLines(erasure: Erasure): string[] {
  const { confirmed, versionsEnded, ended, files, bytes, tags, runs, holds, archives, cached, changeFeeds, shown, elsewhere } = erasure
  const [end, go] = confirmed ? ['ended', 'deleted'] : ['would end', 'would go']
  const named = (what: string, names: readonly string[]) => (names.length === 0 ? [] : [`  ${what}: ${names.join(', ')}`])
  const commits = (list: Erasure['shown']) => list.map(({ version, shows }) => `${version} (${shows.join(', ')})`).join(', ')
  return [
    versionsEnded === 0
      ? 'No older version holds them.'
      : `${counted(versionsEnded, 'version')} ${end}: ${spans(ended)}; ${counted(files, 'file')} (${byteSize(bytes)}) ${go}`,
    ...named(confirmed ? 'tags removed' : 'tags', tags),
    ...named(confirmed ? 'runs marked as erased' : 'runs', runs),
    ...named(confirmed ? 'holds released' : 'holds', holds),
    ...named('versions that lose their change feed', changeFeeds.map(String)),
    ...(cached > 0 ? [`  cache of this machine: ${counted(cached, 'file')} ${go}`] : []),
    ...archives.map(
      (one) => `  archive ${one.location}: ${spans(one.ended)} ${end}, ${counted(one.files, 'file')} (${byteSize(one.bytes)}) ${go}`,
    ),
    ...(shown.length > 0 ? [`  the log still shows something of them, at version ${commits(shown)}`] : []),
    ...archives.flatMap((one) => (one.shown.length > 0 ? [`  and that of the archive, at version ${commits(one.shown)}`] : [])),
    ...elsewhere.map((place) => `  not reached: ${place}`),
    ...(confirmed || versionsEnded === 0 ? [] : ['Nothing of that has ended: add --confirm.']),
  ]
}

function spans(list: readonly VersionSpan[]): string {
  return list.map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`)).join(', ')
}
