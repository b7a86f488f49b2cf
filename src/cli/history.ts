import type { Command } from 'commander'
import type { HistoryEntry } from '../index.ts'
import { type ListColumn, writeList } from './columns.ts'
import { type Drawing, dotGraph, mermaidGraph, textGraph } from './history-graph.ts'
import { instant } from './human.ts'
import { jsonLine } from './json.ts'
import { count, tablePath, wrong } from './options.ts'
import { runNames } from './run-text.ts'
import type { Run, Verb } from './verb.ts'
import { change } from './written.ts'

interface HistoryOptions {
  readonly limit?: number
  readonly graph?: boolean
  readonly dot?: boolean
  readonly mermaid?: boolean
}

const columns: readonly ListColumn<HistoryEntry>[] = [
  { heading: 'VERSION', side: 'right', cell: (entry) => String(entry.version) },
  { heading: 'COMMITTED', cell: (entry) => instant(entry.timestamp) },
  { heading: 'OPERATION', cell: (entry) => entry.operation ?? '' },
  { heading: 'CHANGE', cell: (entry) => change(entry.metrics) },
  { heading: 'TXN', cell: (entry) => (entry.txn ? `${entry.txn.appId}:${entry.txn.version}` : '') },
  { heading: 'TAGS', cell: (entry) => entry.tags.join(', ') },
  { heading: 'RUNS', cell: (entry) => runNames(entry.runs) },
  { heading: 'SOURCE', cell: (entry) => entry.source ?? '' },
  { heading: 'MESSAGE', cell: (entry) => entry.message ?? '' },
]

/** `varve history PATH` */
export const verb: Verb = {
  usage: 'PATH [OPTIONS]',
  description: 'The versions of a table, newest first: when each was committed, what it did, and why.',
  examples: ['varve history events', 'varve history events --limit 1 --json', 'varve history events --graph'],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .option('--limit <number>', 'at most so many versions', count('--limit'))
      .option('--graph', 'draw the versions as a line of dots')
      .option('--dot', 'print the versions as a graph for Graphviz')
      .option('--mermaid', 'print the versions as a Mermaid flowchart')
  },
  async run(run: Run, operands: readonly string[], options: HistoryOptions): Promise<void> {
    checkForms(run, options)
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../index.ts')
    run.progress.start(() => 'reading the history')
    const table = await Table.open(path, { signal: run.signal })
    const entries = table.history({ signal: run.signal, ...(options.limit !== undefined && { limit: options.limit }) })
    const drawing = drawingOf(run, options)
    if (drawing) {
      await run.output.write(drawing.begin)
      for await (const entry of entries) await run.output.write(drawing.node(entry))
      await run.output.write(drawing.end)
      return
    }
    if (!run.json) {
      await writeList(run.output, entries, columns)
      return
    }
    for await (const entry of entries) await run.output.write(jsonLine(entry))
  },
}

function checkForms(run: Run, { graph, dot, mermaid }: HistoryOptions): void {
  if ([run.json, graph, dot, mermaid].filter(Boolean).length > 1)
    throw wrong('--json, --graph, --dot and --mermaid are four forms of one answer.', 'Choose one of them.')
}

function drawingOf(run: Run, { graph, dot, mermaid, limit }: HistoryOptions): Drawing | undefined {
  if (graph) return textGraph(run.output.style, limit)
  if (dot) return dotGraph()
  return mermaid ? mermaidGraph() : undefined
}
