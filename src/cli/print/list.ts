/** Lists for people: aligned columns with a heading, a line an item. */
import type { Output } from '../terminal/output.ts'
import { printable } from '../terminal/printable.ts'
import { padToWidth, textWidth } from '../terminal/text-width.ts'

/** One column of a list. */
export interface ListColumn<Item> {
  readonly heading: string
  readonly side?: 'left' | 'right'
  cell(item: Item): string
}

/** Items that are measured together: a long list starts to appear before all of it is known. */
const blockSize = 500

/** Prints items in aligned columns; a column appears once an item has something to say in it. @returns The number of items. */
export async function writeList<Item>(
  output: Output,
  items: AsyncIterable<Item> | Iterable<Item>,
  columns: readonly ListColumn<Item>[],
): Promise<number> {
  const widths = new Map<ListColumn<Item>, number>()
  let count = 0
  const print = async (block: readonly Item[]) => {
    const before = widths.size
    for (const column of columns) {
      if (!widths.has(column) && block.some((item) => column.cell(item) !== '')) widths.set(column, textWidth(column.heading))
    }
    const shown = columns.filter((column) => widths.has(column))
    for (const column of shown) {
      const widest = Math.max(...block.map((item) => textWidth(printable(column.cell(item)))))
      widths.set(column, Math.max(widths.get(column) ?? 0, widest))
    }
    const line = (text: (column: ListColumn<Item>) => string) => {
      const cells = shown.map((column) => padToWidth(printable(text(column)), widths.get(column) ?? 0, column.side ?? 'left'))
      return cells.join('  ').trimEnd()
    }
    const heading = widths.size > before ? `${output.style.dim(line((column) => column.heading))}\n` : ''
    await output.write(heading + block.map((item) => `${line((column) => column.cell(item))}\n`).join(''))
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
