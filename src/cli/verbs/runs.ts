import type { Command } from 'commander'
import type { AsOf, Table, TrainingRun } from '../../index.ts'
import { instant } from '../print/human.ts'
import { type ListColumn, writeList } from '../print/list.ts'
import { metricsText, runLine, shortRunId, standing, tookText } from '../print/run-text.ts'
import type { Invocation, Verb } from '../verb.ts'

interface RunsOptions {
  readonly whereMetric?: string
  readonly row?: string
}

const columns: readonly ListColumn<TrainingRun>[] = [
  { heading: 'ID', cell: ({ id }) => shortRunId(id) },
  { heading: 'NAME', cell: ({ name }) => name ?? '' },
  { heading: 'STATUS', cell: standing },
  { heading: 'DATA', cell: ({ data }) => data.map(({ reference }) => reference).join(', ') },
  { heading: 'METRICS', cell: ({ metrics }) => metricsText(metrics, 4) },
  { heading: 'BEGAN', cell: ({ start }) => instant(start) },
  { heading: 'TOOK', side: 'right', cell: tookText },
  { heading: 'AUTHOR', cell: ({ author }) => author ?? '' },
]

/** `varve runs PATH` */
export const verb: Verb = {
  usage: 'PATH[@POINT]|PIN [OPTIONS]',
  description: 'The runs that read versions of a table, newest first; with a point or a pin, those that read that version.',
  examples: ['varve runs events', "varve runs events --where-metric 'auc > 0.9' --json", "varve runs events --row 'id = 1'"],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table, or one of its versions')
      .option('--where-metric <condition>', "only runs whose metrics fulfil it, such as 'auc > 0.9 AND loss < 0.3'")
      .option('--row <predicate>', "only runs on versions that have such a row, such as 'id = 42'")
  },
  async run(call: Invocation, [reference = '']: readonly string[], { whereMetric, row }: RunsOptions): Promise<void> {
    const { signal } = call
    call.progress.start(() => 'reading the runs')
    const { table, version } = await tableAndVersion(reference, signal)
    const onUnknown = (version: number, error: Error) =>
      call.warn(`Version ${version} could not be asked for the row, so runs on it are left out: ${error.message}`)
    const runs = await table.run.list({ whereMetric, row, version, onUnknown, signal })
    if (call.json) return call.output.write(runs.map(runLine).join(''))
    await writeList(call.output, runs, columns)
  },
}

/** A version that has ended is not opened: its runs are still known. */
async function tableAndVersion(reference: string, signal: AbortSignal): Promise<{ table: Table; version: AsOf | undefined }> {
  const { Table, parseReference, resolveReference } = await import('../../index.ts')
  const { path, point } = parseReference(reference)
  if (point !== undefined) return { table: await Table.open(path, { signal }), version: point }
  const { table, snapshot, isLatest } = await resolveReference(reference, { unchecked: true, signal })
  return { table, version: isLatest ? undefined : snapshot.version }
}
