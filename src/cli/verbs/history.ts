import type { Command } from 'commander'
import type { HistoryEntry, Lineage } from '../../index.ts'
import { tablePath } from '../options/references.ts'
import { count, wrong } from '../options/values.ts'
import { dotGraph, mermaidGraph, textGraph } from '../print/history-graph.ts'
import { instant } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import { type ListColumn, writeList } from '../print/list.ts'
import { changeOf, codeState, inputNames, personOf } from '../print/provenance.ts'
import { runNames } from '../print/run-text.ts'
import type { Invocation, Verb } from '../verb.ts'

interface HistoryOptions {
  readonly limit?: number
  readonly graph?: boolean
  readonly dot?: boolean
  readonly mermaid?: boolean
}

const columns: readonly ListColumn<HistoryEntry>[] = [
  { heading: 'VERSION', side: 'right', cell: (entry) => String(entry.version) },
  { heading: 'COMMITTED', cell: (entry) => instant(entry.timestamp) },
  { heading: 'AUTHOR', cell: (entry) => personOf(entry) },
  { heading: 'OPERATION', cell: (entry) => entry.operation ?? '' },
  { heading: 'CHANGE', cell: (entry) => changeOf(entry) },
  { heading: 'FROM', cell: (entry) => inputNames(entry) },
  { heading: 'TXN', cell: (entry) => (entry.txn ? `${entry.txn.appId}:${entry.txn.version}` : '') },
  { heading: 'TAGS', cell: (entry) => entry.tags.join(', ') },
  { heading: 'RUNS', cell: (entry) => runNames(entry.runs) },
  { heading: 'GIT', cell: (entry) => codeState(entry) },
  { heading: 'SOURCE', cell: (entry) => entry.source ?? '' },
  { heading: 'MESSAGE', cell: (entry) => entry.message ?? '' },
]

/** `varve history PATH` */
export const verb: Verb = {
  usage: 'PATH [OPTIONS]',
  description: `The versions of a table, newest first: when each was committed and by whom, what it did, what it was made from, and why. GIT is the commit
of the folder that it was written from, with * where files were changed. The graphs go on into the tables that were read.`,
  examples: ['varve history events', 'varve history events --limit 1 --json', 'varve history events --graph'],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .option('--limit <number>', 'at most so many versions', count('--limit'))
      .option('--graph', 'draw the versions as a line of dots, with what each was made from')
      .option('--dot', 'print them as a graph for Graphviz')
      .option('--mermaid', 'print them as a Mermaid flowchart')
  },
  async run(call: Invocation, operands: readonly string[], options: HistoryOptions): Promise<void> {
    const draw = drawingOf(call, options)
    const { limit } = options
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../../index.ts')
    call.progress.start(() => 'reading the history')
    const table = await Table.open(path, { signal: call.signal })
    if (draw) return call.output.write(draw(await table.lineage({ limit, signal: call.signal })))
    const entries = table.history({ limit, signal: call.signal })
    if (!call.json) {
      await writeList(call.output, entries, columns)
      return
    }
    for await (const entry of entries) await call.output.write(jsonLine(entry))
  },
}

function drawingOf(call: Invocation, { graph, dot, mermaid }: HistoryOptions): ((lineage: Lineage) => string) | undefined {
  if ([call.json, graph, dot, mermaid].filter(Boolean).length > 1)
    throw wrong('--json, --graph, --dot and --mermaid are four forms of one answer.', 'Choose one of them.')
  if (graph) return (lineage) => textGraph(lineage, call.output.style)
  if (dot) return dotGraph
  return mermaid ? mermaidGraph : undefined
}
