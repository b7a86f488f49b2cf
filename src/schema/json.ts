/**
 * JSON as the log needs it: integers beyond 2^53 survive as bigints, a key `__proto__` is a key
 * like any other, and writing puts bigints out as plain digits. Text without a long run of digits goes through the engine's own
 * parser, which is many times faster.
 */
import { parse, stringify } from 'lossless-json'

const longDigits = /\d{16}/

/** Parses JSON text. Integers are numbers where exact, else bigints. @throws SyntaxError as `JSON.parse` does. */
export function parseJson(text: string): unknown {
  if (!longDigits.test(text)) return JSON.parse(text)
  try {
    return parse(text, undefined, { parseNumber, onDuplicateKey: ({ newValue }) => newValue })
  } catch (error) {
    // The one that keeps long numbers calls itself for what is inside, until the stack ends.
    throw error instanceof RangeError ? new SyntaxError('JSON that is nested too deeply', { cause: error }) : error
  }
}

/**
 * The text of a JSON object with some fields set, all others as they were, every digit of their numbers included.
 * @throws SyntaxError where the text is no JSON object
 */
export function withJsonFields(text: string, fields: Readonly<Record<string, unknown>>): string {
  const object = parse(text)
  if (typeof object !== 'object' || object === null || Array.isArray(object)) throw new SyntaxError('no JSON object')
  return stringify({ ...object, ...fields }) ?? text
}

/** Writes a value as JSON text, bigints as digits. Keys with the value `undefined` are left out. */
export function stringifyJson(value: unknown): string {
  return stringify(value) ?? 'null'
}

function parseNumber(text: string): number | bigint {
  const number = Number(text)
  return Number.isInteger(number) && !Number.isSafeInteger(number) && /^-?\d+$/.test(text) ? BigInt(text) : number
}
