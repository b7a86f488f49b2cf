/**
 * Numbers as text, so that a value has one text whichever way it was written: doubles as DuckDB's `to_json` spells them, with the
 * fewest digits that give the number back; decimals with all digits of their scale: `12.30`.
 */

/** A finite double: `0.1`, `1.0`, `-0.0`, `1e21`, `1.5e-7`. */
export function doubleText(value: number): string {
  const text = Object.is(value, -0) ? '-0' : String(value).replace('e+', 'e')
  return /[.e]/.test(text) ? text : `${text}.0`
}

/** The text of an unscaled decimal: `formatDecimal(1230n, 2)` is `12.30`. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0')
  const sign = unscaled < 0n ? '-' : ''
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** Reads a decimal number, with an exponent or without, as an unscaled integer; `undefined` where it is none or has digits beyond the scale. */
export function parseDecimal(text: string, scale: number): bigint | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?$/.exec(text.trim())
  if (match === null) return undefined
  const [whole, fraction] = [match[2] ?? '', match[3] ?? '']
  if (whole === '' && fraction === '') return undefined
  const shift = scale - fraction.length + Number(match[4] ?? 0)
  const digits = whole + fraction
  if (/^0*$/.test(digits)) return 0n
  if (shift > 80) return undefined
  const kept = shift >= 0 ? digits + '0'.repeat(shift) : digits.slice(0, shift)
  if (shift < 0 && !/^0*$/.test(digits.slice(shift))) return undefined
  const unscaled = BigInt(kept === '' ? '0' : kept)
  return match[1] === '-' ? -unscaled : unscaled
}
