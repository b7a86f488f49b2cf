/**
 * Numbers as text, spelled as DuckDB spells them, so that a value has one text whichever way it was written: the fewest digits that
 * give the number back, `1.0` for integral floats, an exponent from 1e16 on and below 1e-4. Decimals keep their scale: `12.30`.
 */

/** A finite double: `0.1`, `-0.0`, `1e+16`, `1.5e-07`. */
export function doubleText(value: number): string {
  return spell(value, value.toExponential())
}

/** A finite 32-bit float with the digits that a float needs: `0.1`, where as a double it would be `0.10000000149011612`. */
export function floatText(value: number): string {
  let digits = 0
  let text = value.toExponential(0)
  while (digits < 8 && Math.fround(Number(text)) !== value) {
    digits += 1
    text = value.toExponential(digits)
  }
  return spell(value, text)
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

function spell(value: number, exponential: string): string {
  const match = /^-?(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(exponential)!
  const digits = match[1]! + (match[2] ?? '')
  const exponent = Number(match[3])
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  if (exponent < -4 || exponent >= 16) {
    const power = `${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
    return `${sign}${match[1]}${match[2] === undefined ? '' : `.${match[2]}`}e${power}`
  }
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  const whole = digits.padEnd(exponent + 1, '0')
  return `${sign}${whole.slice(0, exponent + 1)}.${whole.slice(exponent + 1) || '0'}`
}
