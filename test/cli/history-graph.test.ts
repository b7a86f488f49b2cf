import { expect, test } from 'vitest'
import { type Drawing, dotGraph, mermaidGraph, textGraph } from '../../src/cli/history-graph.ts'
import type { HistoryEntry } from '../../src/index.ts'

const entry = (version: number, message: string | null): HistoryEntry => ({
  version,
  timestamp: new Date('2026-03-15T10:00:00Z'),
  operation: 'WRITE',
  parameters: {},
  metrics: { numOutputRows: '3', numFiles: '1' },
  txn: null,
  message,
  source: null,
  tags: [],
  engine: null,
  runs: [],
})

const entries = [entry(1, 'the "second"\n<load>'), entry(0, null)]
const draw = (drawing: Drawing) => drawing.begin + entries.map((each) => drawing.node(each)).join('') + drawing.end

test('dots for a terminal, joined but for the last', () => {
  const same = (text: string) => text
  const plain = { red: same, yellow: same, bold: same, dim: same }
  expect(draw(textGraph(plain, undefined))).toBe(
    '● 1  2026-03-15 10:00:00Z  WRITE  +3 rows in 1 file  the "second" <load>\n│\n● 0  2026-03-15 10:00:00Z  WRITE  +3 rows in 1 file\n',
  )
  expect(textGraph(plain, 1).node(entries[0]!)).not.toContain('│')
})

test('Graphviz, with quotes kept inside the label', () => {
  expect(draw(dotGraph())).toContain('  v1 [label = "1\\nWRITE\\n+3 rows in 1 file\\nthe \\"second\\" <load>"]\n')
  expect(draw(dotGraph())).toMatch(/v0 -> v1\n\}\n$/)
})

test('Mermaid, with characters that mean something there as entities', () => {
  expect(draw(mermaidGraph())).toBe(
    'flowchart LR\n  v1["1<br>WRITE<br>+3 rows in 1 file<br>the #34;second#34; #60;load#62;"]\n  v0["0<br>WRITE<br>+3 rows in 1 file"]\n  v0 --> v1\n',
  )
})
