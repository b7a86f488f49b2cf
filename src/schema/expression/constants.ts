/** Constants of an expression: from the words that spell them to their values and types. */
import { decimalType } from '../sql-type.ts'
import type { PrimitiveType } from '../types.ts'
import { dateText, timestampText } from './literals.ts'
import { Refusal } from './refusal.ts'
import type { Literal, Syntax } from './syntax.ts'
import type { Spelling } from './tokens.ts'

/** A constant of a type, by the text of its value. */
export function literal(type: PrimitiveType, text: string): Syntax & { kind: 'literal' } {
  return { kind: 'literal', literal: { type, text } satisfies Literal }
}

/** `DATE '...'` and the like, by the word before the text. @throws Refusal */
export function typedLiteral(word: string, text: string, spelling: Spelling): Syntax {
  switch (word) {
    case 'DATE':
      return literal('date', required(dateText(text), text))
    case 'TIMESTAMP':
    case 'TIMESTAMP_LTZ':
      return literal('timestamp', required(timestampText(text), text))
    case 'TIMESTAMPTZ':
      if (spelling === 'any') return literal('timestamp', required(timestampText(text), text))
      break
    case 'TIMESTAMP_NTZ':
      return literal('timestamp_ntz', required(/[Z+]|\d-\d\d:?\d\d$/i.test(text) ? undefined : timestampText(text), text))
    case 'X':
      if (/^([0-9a-fA-F]{2})*$/.test(text)) return literal('binary', text.toUpperCase())
  }
  throw new Refusal(`${word}'${text}' is no constant that is known`)
}

/** A number as it is spelt, with the sign before it. @throws Refusal */
export function numberLiteral(sign: '-' | '', spelt: string): Syntax {
  const [, digits = '', fraction, exponent, suffix] = /^(\d*)(\.\d*)?([eE][+-]?\d+)?(BD|[LSYDF])?$/.exec(spelt)!
  const text = sign + digits + (fraction ?? '') + (exponent ?? '')
  if (suffix === 'D' || (suffix === undefined && exponent !== undefined)) return literal('double', text)
  if (suffix === 'F' || exponent !== undefined) throw new Refusal(`${text}${suffix} is no constant that is known`)
  if (fraction !== undefined || suffix === 'BD') {
    if (suffix !== undefined && suffix !== 'BD') throw new Refusal(`${text}${suffix} is no constant that is known`)
    return decimalLiteral(sign, digits, fraction?.slice(1) ?? '')
  }
  const value = BigInt(text)
  const named = { Y: 'byte', S: 'short', L: 'long' }[suffix ?? ''] as PrimitiveType | undefined
  const type = named ?? (fits(value, 32) ? 'integer' : 'long')
  const bits = { byte: 8, short: 16, integer: 32, long: 64 }[type as 'byte']
  if (!fits(value, bits)) {
    if (named !== undefined) throw new Refusal(`${text} does not fit its type`)
    return decimalLiteral(sign, digits, '')
  }
  return literal(type, String(value))
}

/** As Spark counts: the digits before the point without leading zeros, and all behind it. */
function decimalLiteral(sign: string, digits: string, fraction: string): Syntax {
  const whole = digits.replace(/^0+/, '')
  const precision = Math.max(whole.length + fraction.length, 1)
  if (precision > 38) throw new Refusal('a number has more than 38 digits')
  return literal(decimalType(precision, fraction.length), `${sign}${whole || '0'}${fraction && `.${fraction}`}`)
}

function fits(value: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, value) === value
}

function required(text: string | undefined, given: string): string {
  if (text === undefined) throw new Refusal(`${JSON.stringify(given)} is not spelt as all engines read it`)
  return text
}
