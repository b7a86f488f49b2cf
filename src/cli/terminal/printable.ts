/**
 * A text in which control characters, and those that turn the direction of writing, are dots: what a stranger's table says must not move
 * the cursor or hide what stands beside it.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, '·')
}
