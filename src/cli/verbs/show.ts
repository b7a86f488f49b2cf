import type { Command } from 'commander'
import type { StructType, TableDescription } from '../../index.ts'
import { openReference, type PointOptions, pointOptions } from '../options/references.ts'
import { type Fact, factLines } from '../print/facts.ts'
import { byteSize, instant, quantity, shortDigest } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import { provenanceFacts } from '../print/provenance.ts'
import { runNames } from '../print/run-text.ts'
import { printable } from '../terminal/printable.ts'
import type { Style } from '../terminal/style.ts'
import { padToWidth, textWidth } from '../terminal/text-width.ts'
import type { Invocation, Verb } from '../verb.ts'

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
  async run(call: Invocation, operands: readonly string[], options: ShowOptions): Promise<void> {
    call.progress.start(() => (options.fingerprints ? 'computing the fingerprints' : 'reading the log'))
    const { snapshot, path } = await openReference(operands[0] ?? '', options, call.signal)
    const described = await snapshot.describe({ fingerprints: options.fingerprints, signal: call.signal })
    const { toSqlType } = await import('../../index.ts')
    await call.output.write(call.json ? jsonLine(described) : forPeople(path, described, call.output.style, (type) => toSqlType(type)))
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
  const facts: Fact[] = [
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
    ...Object.entries(of.properties).map(([key, value], at): Fact => [at === 0 ? 'properties' : '', `${key} = ${value}`]),
  ]
  const columns = of.schema.fields.map(
    (field) => [printable(field.name), printable(`${sqlType(field.type)}${field.nullable ? '' : ' NOT NULL'}`)] as const,
  )
  const widest = Math.max(0, ...columns.map(([name]) => textWidth(name)))
  const columnLines = columns.map(([name, type]) => `  ${padToWidth(name, widest, 'left')}  ${style.dim(type)}\n`)
  return `${style.bold(`${path}@${of.version}`)}\n${factLines(facts, style)}\n${columnLines.join('')}`
}

function fingerprints({ fingerprints }: TableDescription): string {
  const known = Object.entries(fingerprints).filter(([, digest]) => digest !== null)
  return known.map(([kind, digest]) => `${kind} ${shortDigest(digest)}`).join(', ')
}
