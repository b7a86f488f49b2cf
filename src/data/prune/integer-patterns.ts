/**
 * Patterns of DuckDB's regular expressions for whole numbers as JSON spells them. A pattern that is run over a text as it stands costs a
 * small part of what parsing the text does.
 */

/** A pattern for the whole numbers that are at least `least`; -0 is in none. */
export function atLeast(least: bigint): string {
  if (least > 0n) return `(?:${greater(String(least))})`
  const positive = '0|[1-9][0-9]*'
  return least === 0n ? `(?:${positive})` : `(?:${positive}|-(?:${smaller(String(-least))}))`
}

/** A pattern for the whole numbers that are at most `greatest`; -0 is in none. */
export function atMost(greatest: bigint): string {
  if (greatest < 0n) return `(?:-(?:${greater(String(-greatest))}))`
  const negative = '-[1-9][0-9]*|0'
  return greatest === 0n ? `(?:${negative})` : `(?:${negative}|${smaller(String(greatest))})`
}

/** Digits of a number from a positive one on. */
function greater(digits: string): string {
  return [`[1-9][0-9]{${digits.length},}`, ...sameLength(digits, (digit) => (digit < 9 ? `[${digit + 1}-9]` : undefined)), digits].join('|')
}

/** Digits of a number from 1 to a positive one. */
function smaller(digits: string): string {
  const shorter = digits.length > 1 ? [`[1-9][0-9]{0,${digits.length - 2}}`] : []
  const below = (digit: number, place: number) => {
    const least = place === 0 ? 1 : 0
    return digit > least ? `[${least}-${digit - 1}]` : undefined
  }
  return [...shorter, ...sameLength(digits, below), digits].join('|')
}

/** Numbers as long as this one that are the same up to a place, differ there, and are anything after it. */
function sameLength(digits: string, other: (digit: number, place: number) => string | undefined): string[] {
  return Array.from(digits, (digit, place) => {
    const differs = other(Number(digit), place)
    return differs && `${digits.slice(0, place)}${differs}[0-9]{${digits.length - place - 1}}`
  }).filter((pattern) => pattern !== undefined)
}
