/**
 * A lineage as a graph: for a terminal, for Graphviz and for Mermaid. A node is a version, a file, a query or a run; an edge leads from what
 * was there to what was made from it.
 */
import type { HistoryEntry, Lineage, LineageNode, LineageVersion } from '../../index.ts'
import type { Style } from '../terminal/style.ts'
import { byteSize, instant, shortDigest } from './human.ts'
import { changeOf, tableName } from './provenance.ts'

/** Earlier versions of a table that was read, which are shown in a terminal. */
const mostEarlier = 5

/** A line of dots, one a version of the table, newest first; below each, the runs that read it, and what it was made from. */
export function textGraph(lineage: Lineage, style: Style): string {
  const graph = new Graph(lineage)
  const lines: string[] = []
  const own = graph.chain(lineage.of)
  // What is drawn already, or has a line of its own; the same is not drawn again.
  const drawn = new Map(own.map(({ key }) => [key, '(in this history)']))
  for (const [place, version] of own.entries()) {
    const { entry } = version
    const words = entry === null ? [] : wordsOf(entry)
    lines.push(
      `● ${style.bold(String(version.version))}  ${style.dim(entry === null ? '' : instant(entry.timestamp))}  ${words.join('  ')}`,
    )
    const more = place < own.length - 1 || graph.isCut(version)
    lines.push(...graph.inputsOf(version, drawn, style, more ? '│' : undefined))
    if (more) lines.push('│')
  }
  return lines.map((line) => `${line.trimEnd()}\n`).join('')
}

/** Graphviz, from left (oldest) to right; a box around the versions of each table. */
export function dotGraph(lineage: Lineage): string {
  const graph = new Graph(lineage)
  const quoted = (words: readonly string[]) => `"${words.map((word) => printable(word).replace(/[\\"]/g, '\\$&')).join('\\n')}"`
  const lines = ['digraph history {', '  rankdir = LR', '  node [shape = box, fontname = "sans-serif"]']
  for (const [place, { name, versions }] of graph.tables().entries()) {
    lines.push(`  subgraph cluster_${place} {`, `    label = ${quoted([name])}`)
    for (const version of versions) lines.push(`    ${graph.idOf(version)} [label = ${quoted(labelOf(version))}]`)
    lines.push('  }')
  }
  for (const leaf of graph.leaves())
    lines.push(`  ${graph.idOf(leaf)} [shape = ${leaf.kind === 'run' ? 'oval' : 'note'}, label = ${quoted(labelOf(leaf))}]`)
  for (const { from, to, kind } of graph.edges()) lines.push(`  ${from} -> ${to}${kind === 'parent' ? '' : ' [style = dashed]'}`)
  return `${[...lines, '}'].join('\n')}\n`
}

/** A Mermaid flowchart, from left (oldest) to right. */
export function mermaidGraph(lineage: Lineage): string {
  const graph = new Graph(lineage)
  const quoted = (words: readonly string[]) => `"${words.map((word) => printable(word).replace(/["#&<>]/g, entity)).join('<br>')}"`
  const lines = ['flowchart LR']
  for (const [place, { name, versions }] of graph.tables().entries()) {
    lines.push(`  subgraph t${place} [${quoted([name])}]`)
    for (const version of versions) lines.push(`    ${graph.idOf(version)}[${quoted(labelOf(version))}]`)
    lines.push('  end')
  }
  for (const leaf of graph.leaves()) lines.push(`  ${graph.idOf(leaf)}([${quoted(labelOf(leaf))}])`)
  for (const { from, to, kind } of graph.edges()) lines.push(`  ${from} ${kind === 'parent' ? '-->' : '-.->'} ${to}`)
  return `${lines.join('\n')}\n`
}

/** A lineage, looked through. */
class Graph {
  readonly #lineage: Lineage
  readonly #nodes: ReadonlyMap<string, LineageNode>
  readonly #parents = new Map<string, string>()
  readonly #inputs = new Map<string, string[]>()
  readonly #runs = new Map<string, string[]>()
  readonly #ids = new Map<string, string>()

  constructor(lineage: Lineage) {
    this.#lineage = lineage
    this.#nodes = new Map(lineage.nodes.map((node) => [node.key, node]))
    for (const { from, to, kind } of lineage.edges) {
      if (kind === 'parent') this.#parents.set(to, from)
      else if (kind === 'run') this.#runs.set(from, [...(this.#runs.get(from) ?? []), to])
      else this.#inputs.set(to, [...(this.#inputs.get(to) ?? []), from])
    }
    const tables = this.tables().map(({ table }) => table)
    for (const node of lineage.nodes) {
      const id = node.kind === 'version' ? `t${tables.indexOf(node.table)}v${node.version}` : `i${this.#ids.size}`
      // What lies at a place may be another table than the one that was read.
      this.#ids.set(node.key, [...this.#ids.values()].includes(id) ? `${id}_${this.#ids.size}` : id)
    }
  }

  /** The tables, that of the lineage first, each with its versions, oldest first. */
  tables(): { readonly table: string; readonly name: string; readonly versions: readonly LineageVersion[] }[] {
    const found = new Map<string, LineageVersion[]>()
    for (const node of this.#lineage.nodes) if (node.kind === 'version') found.set(node.table, [...(found.get(node.table) ?? []), node])
    return [...found].map(([table, versions]) => ({
      table,
      name: tableName(table),
      versions: versions.sort((a, b) => a.version - b.version),
    }))
  }

  leaves(): readonly LineageNode[] {
    return this.#lineage.nodes.filter(({ kind }) => kind !== 'version')
  }

  edges(): Lineage['edges'] {
    return this.#lineage.edges.flatMap(({ from, to, kind }) => {
      const [one, other] = [this.#ids.get(from), this.#ids.get(to)]
      return one === undefined || other === undefined ? [] : [{ from: one, to: other, kind }]
    })
  }

  idOf({ key }: LineageNode): string {
    return this.#ids.get(key) ?? ''
  }

  /** A version and those before it. */
  chain(key: string): LineageVersion[] {
    const found: LineageVersion[] = []
    for (let at: string | undefined = key; at !== undefined; at = this.#parents.get(at)) {
      const node = this.#nodes.get(at)
      if (node?.kind !== 'version' || found.includes(node)) break
      found.push(node)
    }
    return found
  }

  /** Whether there are versions before it that are not in the lineage. */
  isCut({ key, version, entry }: LineageVersion): boolean {
    return this.#lineage.cut && entry !== null && version > 0 && !this.#nodes.has(this.#parents.get(key) ?? '')
  }

  /** The runs that read a version, and what it was made from, as a tree below it. `rail`: what goes on beside the tree. */
  inputsOf({ key }: LineageVersion, drawn: Map<string, string>, style: Style, rail: string | undefined): string[] {
    const branches = [...(this.#runs.get(key) ?? []), ...(this.#inputs.get(key) ?? [])]
      .flatMap((from) => this.#nodes.get(from) ?? [])
      .map((node) => this.#branch(node, drawn, style))
    return branches.flatMap((lines, place) => {
      const last = place === branches.length - 1 && rail === undefined
      return lines.map((line, at) => `${at === 0 ? (last ? '└─' : '├─') : last ? '  ' : '│ '}${line}`)
    })
  }

  /** A version of another table with those before it, or a file. */
  #branch(node: LineageNode, drawn: Map<string, string>, style: Style): string[] {
    if (node.kind !== 'version') return [`${node.kind === 'run' ? '▷' : '◇'} ${labelOf(node).join('  ')}`]
    const again = drawn.get(node.key)
    const head = `◆ ${style.bold(`${tableName(node.table)}@${node.version}`)}  ${labelOf(node).slice(1).join('  ')}${again === undefined ? '' : `  ${again}`}`
    if (again !== undefined) return [head]
    drawn.set(node.key, '(see above)')
    const earlier = this.chain(node.key).slice(1)
    const shown = earlier.slice(0, mostEarlier).filter(({ key }) => !drawn.has(key))
    const left = earlier.length - earlier.slice(0, mostEarlier).length
    const rest = shown.length + left > 0
    const lines = [head, ...this.inputsOf(node, drawn, style, rest ? '│' : undefined).map((line) => ` ${line}`)]
    for (const [place, version] of shown.entries()) {
      drawn.set(version.key, '(see above)')
      const more = place < shown.length - 1 || left > 0
      lines.push(` ● ${tableName(version.table)}@${version.version}  ${labelOf(version).slice(1).join('  ')}`)
      lines.push(...this.inputsOf(version, drawn, style, more ? '│' : undefined).map((line) => ` ${line}`))
    }
    if (left > 0) lines.push(` ⋮ ${left} earlier`)
    return lines
  }
}

/** What a node is called, and what is to be said of it. */
function labelOf(node: LineageNode): string[] {
  if (node.kind === 'run') return [`run ${printable(node.name ?? node.id)}`, ...(node.name === null ? [] : [node.id])]
  if (node.kind === 'query') return [shortened(printable(node.query))]
  if (node.kind === 'file') {
    const { file, bytes, sha256 } = node
    return [printable(file), ...(bytes === null ? [] : [byteSize(bytes)]), ...(sha256 === null ? [] : [`sha256 ${shortDigest(sha256)}`])]
  }
  const { version, entry, state, table } = node
  return [String(version), ...(entry === null ? [] : wordsOf(entry)), ...(remarks[state] === '' ? [] : [`(${remarks[state]}: ${table})`])]
}

const remarks: Readonly<Record<LineageVersion['state'], string>> = {
  found: '',
  unchecked: 'not known to be the version that was read',
  other: 'another table or history is there',
  ended: 'the version cannot be read any more',
  missing: 'no table to be read',
}

function wordsOf(entry: HistoryEntry): string[] {
  const tags = entry.tags.map((tag) => `[${tag}]`)
  return [entry.operation ?? '', changeOf(entry), ...tags, entry.message ?? ''].map(printable).filter((word) => word !== '')
}

function shortened(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}

function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

function entity(character: string): string {
  return `#${character.codePointAt(0)};`
}
