import type { Command } from 'commander'
import type { StructType, TableDescription } from '../index.ts'
import { byteSize, instant, quantity, shortDigest } from './human.ts'
import { jsonLine } from './json.ts'
import { openReference, type PointOptions, pointOptions } from './options.ts'
import { provenanceFacts } from './provenance.ts'
import { runNames } from './run-text.ts'
import type { Style } from './style.ts'
import { padToWidth, textWidth } from './text-width.ts'
import type { Run, Verb } from './verb.ts'

interface ShowOptions extends PointOptions {
  readonly fingerprints?: boolean
}

/** `varve show REF` */
export const verb: Verb = {
  usage: 'REF [OPTIONS]',
  description: 'What a version of a table is: when it was committed, its rows and files, its columns, protocol and properties.',
  examples: ['varve show events', 'varve show events@0 --json', 'varve show events --fingerprints'],
  define(command: Command): void {
    pointOptions(command.argument('<ref>', 'the table, as of a version')).option(
      '--fingerprints',
      'compute the fingerprints that are not known yet: reads files, and remembers the result',
    )
  },
  async run(run: Run, operands: readonly string[], options: ShowOptions): Promise<void> {
    run.progress.start(() => (options.fingerprints ? 'computing the fingerprints' : 'reading the log'))
    const { snapshot, path } = await openReference(operands[0] ?? '', options, run.signal)
    const described = await snapshot.describe({ fingerprints: options.fingerprints, signal: run.signal })
    const { toSqlType } = await import('../index.ts')
    await run.output.write(run.json ? jsonLine(described) : forPeople(path, described, run.output.style, (type) => toSqlType(type)))
  },
}

function forPeople(
  path: string,
  of: TableDescription,
  style: Style,
  sqlType: (type: StructType['fields'][number]['type']) => string,
): string {
  const { protocol } = of
  const features = [...new Set([...(protocol.readerFeatures ?? []), ...(protocol.writerFeatures ?? [])])].sort()
  const facts: [string, string][] = [
    ['committed', `${instant(of.timestamp)}${of.operation ? ` by ${of.operation}` : ''}`],
    ['rows', of.rows === null ? 'not known without reading the files' : quantity(of.rows)],
    ['files', of.files === null ? 'not known' : `${quantity(of.files)}${of.bytes === null ? '' : ` (${byteSize(of.bytes)})`}`],
    ['partitioned by', of.partitionBy.join(', ')],
    [
      'protocol',
      `reader ${protocol.minReaderVersion}, writer ${protocol.minWriterVersion}${features.length === 0 ? '' : `: ${features.join(', ')}`}`,
    ],
    ['tags', of.tags.join(', ')],
    ['runs', runNames(of.runs)],
    ...provenanceFacts(of.provenance),
    ['fingerprints', fingerprints(of)],
    ...Object.entries(of.properties).map(([key, value], at): [string, string] => [at === 0 ? 'properties' : '', `${key} = ${value}`]),
  ]
  const columns = of.schema.fields.map((field) => [field.name, `${sqlType(field.type)}${field.nullable ? '' : ' NOT NULL'}`] as const)
  const widest = Math.max(...facts.map(([name]) => textWidth(name)))
  const widestColumn = Math.max(0, ...columns.map(([name]) => textWidth(name)))
  const lines = [
    style.bold(`${path}@${of.version}`),
    ...facts.filter(([, value]) => value !== '').map(([name, value]) => `  ${style.dim(padToWidth(name, widest, 'left'))}  ${value}`),
    '',
    ...columns.map(([name, type]) => `  ${padToWidth(name, widestColumn, 'left')}  ${style.dim(type)}`),
  ]
  return `${lines.join('\n')}\n`
}

function fingerprints({ fingerprints }: TableDescription): string {
  const known = Object.entries(fingerprints).filter(([, digest]) => digest !== null)
  return known.map(([kind, digest]) => `${kind} ${shortDigest(digest)}`).join(', ')
}
