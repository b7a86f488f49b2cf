/** Facts about one thing for people: a name and a value in each line, the values below one another. */
import { printable } from '../terminal/printable.ts'
import type { Style } from '../terminal/style.ts'
import { padToWidth, textWidth } from '../terminal/text-width.ts'

/** One fact. Without a name it belongs to the one before, without a value it is left out. */
export type Fact = readonly [name: string, value: string]

/** The facts as lines of text. */
export function factLines(facts: readonly Fact[], style: Style): string {
  const shown = facts.filter(([, value]) => value !== '')
  const widest = Math.max(0, ...shown.map(([name]) => textWidth(name)))
  return shown.map(([name, value]) => `  ${style.dim(padToWidth(name, widest, 'left'))}  ${printable(value)}\n`).join('')
}
