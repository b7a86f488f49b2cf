/**
 * History as a graph: for a terminal, for Graphviz and for Mermaid. A node is a version, an edge leads from a version to the one that
 * was made from it.
 */
import type { HistoryEntry } from '../index.ts'
import { instant } from './human.ts'
import type { Style } from './style.ts'
import { change } from './written.ts'

/** A way to draw. Entries come newest first, one text an entry goes out, between `begin` and `end`. */
export interface Drawing {
  readonly begin: string
  node(entry: HistoryEntry): string
  readonly end: string
}

/** A line of dots, one a version, newest first. */
export function textGraph(style: Style, limit: number | undefined): Drawing {
  let drawn = 0
  return {
    begin: '',
    node: (entry) => {
      drawn += 1
      const more = entry.version > 0 && drawn !== limit
      return `● ${style.bold(String(entry.version))}  ${style.dim(instant(entry.timestamp))}  ${wordsOf(entry).join('  ')}\n${more ? '│\n' : ''}`
    },
    end: '',
  }
}

/** Graphviz, from left (oldest) to right. */
export function dotGraph(): Drawing {
  let newer: number | undefined
  return {
    begin: 'digraph history {\n  rankdir = LR\n  node [shape = box, fontname = "sans-serif"]\n',
    node: (entry) => {
      const label = [String(entry.version), ...wordsOf(entry)].map((word) => printable(word).replace(/[\\"]/g, '\\$&')).join('\\n')
      const edge = newer === undefined ? '' : `  v${entry.version} -> v${newer}\n`
      newer = entry.version
      return `  v${entry.version} [label = "${label}"]\n${edge}`
    },
    end: '}\n',
  }
}

/** A Mermaid flowchart, from left (oldest) to right. */
export function mermaidGraph(): Drawing {
  let newer: number | undefined
  return {
    begin: 'flowchart LR\n',
    node: (entry) => {
      const label = [String(entry.version), ...wordsOf(entry)].map((word) => printable(word).replace(/["#&<>]/g, entity)).join('<br>')
      const edge = newer === undefined ? '' : `  v${entry.version} --> v${newer}\n`
      newer = entry.version
      return `  v${entry.version}["${label}"]\n${edge}`
    },
    end: '',
  }
}

function wordsOf(entry: HistoryEntry): string[] {
  const tags = entry.tags.map((tag) => `[${tag}]`)
  return [entry.operation ?? '', change(entry.metrics), ...tags, entry.message ?? ''].map(printable).filter((word) => word !== '')
}

function printable(text: string): string {
  return text.replace(/\p{Cc}+/gu, ' ')
}

function entity(character: string): string {
  return `#${character.codePointAt(0)};`
}
