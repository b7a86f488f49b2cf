/** Colour, only on a terminal and only where `NO_COLOR` is not set. */

/** Functions that colour a text, or leave it as it is. */
export interface Style {
  red(text: string): string
  yellow(text: string): string
  bold(text: string): string
  dim(text: string): string
}

/** The style for a stream. */
export function style(stream: NodeJS.WriteStream): Style {
  const on = stream.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb'
  const paint = (open: number, close: number) => (text: string) => (on ? `\u001b[${open}m${text}\u001b[${close}m` : text)
  return { red: paint(31, 39), yellow: paint(33, 39), bold: paint(1, 22), dim: paint(2, 22) }
}
