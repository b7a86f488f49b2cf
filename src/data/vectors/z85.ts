/**
 * Z85, the form of Base85 that descriptors of deletion vectors are written in (§Deletion Vectors): five characters for four bytes.
 *
 * Bytes that are no whole number of groups are filled up with zeros. A library that other writers use marks a shorter last group instead,
 * with as many `#` before it as bytes are missing; no whole group begins so, since it would not fit into four bytes.
 */

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

const values = new Map([...alphabet].map((digit, value) => [digit, value]))

/** The bytes of a text; `undefined` where it is no Z85. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (text.length % 5 !== 0) return undefined
  const missing = /^#{1,3}/.exec(text.slice(-5))?.[0].length ?? 0
  const bytes = new Uint8Array((text.length / 5) * 4 - missing)
  for (let at = 0; 4 * at < bytes.length; at++) {
    const whole = 4 * at + 4 <= bytes.length
    const word = numberOf(text.slice(5 * at + (whole ? 0 : missing), 5 * at + 5))
    const length = whole ? 4 : 4 - missing
    if (word === undefined || word >= 256 ** length) return undefined
    for (let i = 0; i < length; i++) bytes[4 * at + i] = Math.floor(word / 256 ** (length - 1 - i))
  }
  return bytes
}

function numberOf(digits: string): number | undefined {
  let number = 0
  for (const digit of digits) {
    const value = values.get(digit)
    if (value === undefined) return undefined
    number = number * 85 + value
  }
  return number
}

/** The text of bytes. */
export function encodeZ85(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  padded.set(bytes)
  const view = new DataView(padded.buffer)
  let text = ''
  for (let at = 0; at < padded.length; at += 4) {
    const word = view.getUint32(at)
    for (let power = 85 ** 4; power >= 1; power /= 85) text += alphabet[Math.floor(word / power) % 85]
  }
  return text
}
