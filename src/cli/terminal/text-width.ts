/** How many columns of a terminal a text takes. */

const plain = /^[\u0020-\u007e]*$/
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const zero = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
const pictograph = /\p{Emoji_Presentation}|\ufe0f|\p{Regional_Indicator}/u

/** First and last code point of the ranges that East Asian width calls wide or fullwidth. */
const wide = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18cff],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
] as const

/** The columns that `text` takes. */
export function textWidth(text: string): number {
  if (plain.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += graphemeWidth(segment)
  return width
}

/** The text, cut to at most `width` columns; what was cut shows as `…`. */
export function cutToWidth(text: string, width: number): string {
  if (textWidth(text) <= width) return text
  let cut = ''
  let taken = 0
  for (const { segment } of graphemes.segment(text)) {
    const next = graphemeWidth(segment)
    if (taken + next > width - 1) break
    cut += segment
    taken += next
  }
  return `${cut}…`
}

/** The text, filled with spaces to `width` columns. */
export function padToWidth(text: string, width: number, side: 'left' | 'right'): string {
  const fill = ' '.repeat(Math.max(0, width - textWidth(text)))
  return side === 'left' ? text + fill : fill + text
}

function graphemeWidth(grapheme: string): number {
  if (zero.test(grapheme)) return 0
  if (pictograph.test(grapheme)) return 2
  const code = grapheme.codePointAt(0) ?? 0
  return wide.some(([first, last]) => code >= first && code <= last) ? 2 : 1
}
