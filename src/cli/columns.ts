/** Lists for people: aligned columns with a heading, a line an item. */
import type { Output } from './output.ts'
import { padToWidth, textWidth } from './text-width.ts'

/** One column of a list. */
export interface ListColumn<Item> {
  readonly heading: string
  readonly side?: 'left' | 'right'
  cell(item: Item): string
}

/** Items that are measured together: a long list starts to appear before all of it is known. */
const blockSize = 500

/** Prints items in aligned columns; a column without any content in the first block is left out. @returns The number of items. */
export async function writeList<Item>(output: Output, items: AsyncIterable<Item>, columns: readonly ListColumn<Item>[]): Promise<number> {
  let shown: readonly ListColumn<Item>[] = []
  let widths: number[] = []
  let count = 0
  const print = async (block: readonly Item[]) => {
    const first = shown.length === 0
    if (first) {
      shown = columns.filter((column) => block.some((item) => column.cell(item) !== ''))
      widths = shown.map((column) => textWidth(column.heading))
    }
    const rows = block.map((item) => shown.map((column) => printable(column.cell(item))))
    for (const row of rows) for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, textWidth(cell))
    const line = (cells: readonly string[]) =>
      cells
        .map((cell, at) => padToWidth(cell, widths[at] ?? 0, shown[at]?.side ?? 'left'))
        .join('  ')
        .trimEnd()
    const heading = first ? `${output.style.dim(line(shown.map((column) => column.heading)))}\n` : ''
    await output.write(heading + rows.map((row) => `${line(row)}\n`).join(''))
  }
  let block: Item[] = []
  for await (const item of items) {
    count++
    block.push(item)
    if (block.length < blockSize) continue
    await print(block)
    block = []
  }
  if (block.length > 0) await print(block)
  return count
}

function printable(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '·')
}
