import { expect, test } from 'vitest'
import { dotGraph, mermaidGraph, textGraph } from '../../../src/cli/print/history-graph.ts'
import type { HistoryEntry, Lineage, LineageNode, LineageVersion } from '../../../src/index.ts'

const entry = (version: number, message: string | null): HistoryEntry => ({
  version,
  timestamp: new Date('2026-03-15T10:00:00Z'),
  operation: 'WRITE',
  parameters: {},
  metrics: { numOutputRows: 3, numFiles: 1 },
  txn: null,
  message,
  source: null,
  tags: [],
  engine: null,
  runs: [],
  author: null,
  inputs: [],
  git: null,
  command: null,
  code: [],
  id: null,
  parent: null,
  changed: null,
})

const version = (table: string, number: number, message: string | null = null): LineageVersion => ({
  kind: 'version',
  key: `${table}@${number}`,
  table: `file:///data/${table}`,
  version: number,
  state: 'found',
  entry: entry(number, message),
})
const file: LineageNode = { kind: 'file', key: 'f', file: 'raw/january.csv', bytes: 1200, sha256: 'ab'.repeat(32) }
const trained: LineageNode = { kind: 'run', key: 'r', id: '0197', name: 'nightly' }
const gone: LineageNode = { ...version('gone', 7), state: 'missing', entry: null }

const lineage: Lineage = {
  of: 'events@1',
  nodes: [
    version('events', 1, 'the "second"\n<load>'),
    version('events', 0),
    version('orders', 1),
    version('orders', 0),
    file,
    gone,
    trained,
  ],
  edges: [
    { from: 'events@0', to: 'events@1', kind: 'parent' },
    { from: 'orders@1', to: 'events@1', kind: 'input' },
    { from: 'gone@7', to: 'events@1', kind: 'input' },
    { from: 'f', to: 'orders@1', kind: 'input' },
    { from: 'orders@0', to: 'orders@1', kind: 'parent' },
    { from: 'orders@1', to: 'events@0', kind: 'input' },
    { from: 'events@1', to: 'r', kind: 'run' },
    { from: 'events@0', to: 'events@1', kind: 'input' },
  ],
  cut: false,
}

const same = (text: string) => text
const plain = { red: same, yellow: same, bold: same, dim: same }

test('dots for a terminal, and below each version what it was made from', () => {
  expect(textGraph(lineage, plain)).toBe(`● 1  2026-03-15 10:00:00Z  WRITE  +3 rows in 1 file  the "second" <load>
├─▷ run nightly  0197
├─◆ orders@1  WRITE  +3 rows in 1 file
│  ├─◇ raw/january.csv  1.2 kB  sha256 abababababab
│  ● orders@0  WRITE  +3 rows in 1 file
├─◆ gone@7  (no table to be read: file:///data/gone)
├─◆ events@0  WRITE  +3 rows in 1 file  (in this history)
│
● 0  2026-03-15 10:00:00Z  WRITE  +3 rows in 1 file
└─◆ orders@1  WRITE  +3 rows in 1 file  (see above)
`)
})

test('a history without inputs is a line of dots, joined but for the last', () => {
  const alone = { ...lineage, edges: lineage.edges.slice(0, 1) }
  expect(textGraph(alone, plain)).toBe(
    '● 1  2026-03-15 10:00:00Z  WRITE  +3 rows in 1 file  the "second" <load>\n│\n● 0  2026-03-15 10:00:00Z  WRITE  +3 rows in 1 file\n',
  )
  expect(textGraph({ ...lineage, nodes: lineage.nodes.slice(0, 1), edges: [], cut: true }, plain)).toMatch(/\n│\n$/)
})

test('Graphviz, with quotes kept inside the label, a box for each table and dashes for what was read', () => {
  const dot = dotGraph(lineage)
  expect(dot).toContain('    label = "orders"\n    t1v0 [label = "0\\nWRITE\\n+3 rows in 1 file"]\n')
  expect(dot).toContain('    t0v1 [label = "1\\nWRITE\\n+3 rows in 1 file\\nthe \\"second\\" <load>"]\n')
  expect(dot).toContain('  i4 [shape = note, label = "raw/january.csv\\n1.2 kB\\nsha256 abababababab"]\n')
  expect(dot).toContain('  t0v0 -> t0v1\n  t1v1 -> t0v1 [style = dashed]\n')
  expect(dot).toContain('  i6 [shape = oval, label = "run nightly\\n0197"]\n')
  expect(dot).toContain('  t0v1 -> i6 [style = dashed]\n')
  expect(dot).toMatch(/^digraph history \{\n[\s\S]*\n\}\n$/)
})

test('Mermaid, with characters that mean something there as entities', () => {
  const mermaid = mermaidGraph(lineage)
  expect(mermaid).toContain('    t0v1["1<br>WRITE<br>+3 rows in 1 file<br>the #34;second#34; #60;load#62;"]\n  end\n')
  expect(mermaid).toContain('  i4(["raw/january.csv<br>1.2 kB<br>sha256 abababababab"])\n')
  expect(mermaid).toContain('  t0v0 --> t0v1\n  t1v1 -.-> t0v1\n')
})
