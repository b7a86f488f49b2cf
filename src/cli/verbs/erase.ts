import type { Command } from 'commander'
import type { EraseResult, Erasure } from '../../index.ts'
import { parameters } from '../options/parameters.ts'
import { tablePath } from '../options/references.ts'
import { repeated, wrong } from '../options/values.ts'
import { type WriteOptions, writeOptions, writingOf } from '../options/writing.ts'
import { byteSize, counted, spansText } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import { change } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

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
  async run(call: Invocation, operands: readonly string[], options: EraseCommandOptions): Promise<void> {
    const { where, param, everywhere, confirm } = options
    if (where === undefined) throw wrong('Which rows are to be erased is not said.', 'Add --where PREDICATE.')
    const [writing, params] = [writingOf(options), parameters(param)]
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../../index.ts')
    call.progress.start(() => `erasing from ${path}`)
    const table = await Table.open(path, { signal: call.signal })
    const result = await table.erase({ where, params, everywhere, confirm, ...writing, signal: call.signal })
    call.progress.stop()
    for (const warning of result.warnings) call.warn(warning)
    if (call.json) {
      const { warnings, ...told } = result
      return call.output.write(jsonLine(told))
    }
    if (!call.quiet) await call.output.write(text(path, result))
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
      : `${counted(versionsEnded, 'version')} ${end}: ${spansText(ended)}; ${counted(files, 'file')} (${byteSize(bytes)}) ${go}`,
    ...named(confirmed ? 'tags removed' : 'tags', tags),
    ...named(confirmed ? 'runs marked as erased' : 'runs', runs),
    ...named(confirmed ? 'holds released' : 'holds', holds),
    ...named('versions that lose their change feed', changeFeeds.map(String)),
    ...(cached > 0 ? [`  cache of this machine: ${counted(cached, 'file')} ${go}`] : []),
    ...archives.map(
      (one) => `  archive ${one.location}: ${spansText(one.ended)} ${end}, ${counted(one.files, 'file')} (${byteSize(one.bytes)}) ${go}`,
    ),
    ...(shown.length > 0 ? [`  the log still shows something of them, at version ${commits(shown)}`] : []),
    ...archives.flatMap((one) => (one.shown.length > 0 ? [`  and that of the archive, at version ${commits(one.shown)}`] : [])),
    ...elsewhere.map((place) => `  not reached: ${place}`),
    ...(confirmed || versionsEnded === 0 ? [] : ['Nothing of that has ended: add --confirm.']),
  ]
}
