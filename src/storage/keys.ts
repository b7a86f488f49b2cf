/**
 * Keys: relative to the root of a store, parts joined by `/`, already percent-decoded. What is checked here holds for every kind,
 * so that a table made in one can be copied into any other.
 */
import { StoreUnsupportedError } from '../errors/index.ts'

const maxKeyBytes = 900
const maxPartBytes = 255
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const forbidden = /[\u0000-\u001f\u007f\\]/
const surrogate = /[\ud800-\udfff]/
const loneSurrogate = /\p{Surrogate}/u

/**
 * Checks that a key is one that every store can hold: no empty, `.` or `..` part, no leading or trailing `/`, no control character
 * or backslash, well-formed Unicode, at most 255 bytes of UTF-8 a part and 900 in all, those of the root included.
 *
 * @throws StoreUnsupportedError `INVALID_KEY`
 */
export function checkKey(key: string, rootBytes = 0): void {
  const reason = problem(key, rootBytes)
  if (reason !== undefined) throw invalidKey(key, reason)
}

/**
 * Checks the start of keys for a listing: its whole parts are as in {@link checkKey}, the last may be cut anywhere or be empty.
 *
 * @throws StoreUnsupportedError `INVALID_KEY`
 */
export function checkPrefix(prefix: string): void {
  const end = prefix.lastIndexOf('/')
  if (end >= 0) checkKey(prefix.slice(0, end))
  if (forbidden.test(prefix)) throw invalidKey(prefix, 'it has a control character or a backslash')
}

/** The order of keys: that of their UTF-8 bytes (JavaScript's `<` orders UTF-16). Negative, zero or positive. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x !== y) return codeUnitRank(x) - codeUnitRank(y)
  }
  return a.length - b.length
}

/** Sorts keys in place by {@link compareKeys}. Text without surrogates has the same order in UTF-16, where sorting is many times faster. */
export function sortKeys(keys: string[]): string[] {
  return keys.some((key) => surrogate.test(key)) ? keys.sort(compareKeys) : keys.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
}

/** The folder part of a key without the last `/`; `''` for a key right under the root. */
export function folderOf(key: string): string {
  const end = key.lastIndexOf('/')
  return end < 0 ? '' : key.slice(0, end)
}

/** The error for a key that no store can hold, or not this one. */
export function invalidKey(key: string, reason: string): StoreUnsupportedError {
  const shown = JSON.stringify(key.length > 200 ? `${key.slice(0, 200)}…` : key)
  return new StoreUnsupportedError('INVALID_KEY', `${shown} cannot be the name of an object: ${reason}.`, {
    remedy: 'Use another name; names must be ones that every kind of store can hold.',
    data: { key },
  })
}

function problem(key: string, rootBytes: number): string | undefined {
  if (key === '') return 'it is empty'
  if (forbidden.test(key)) return 'it has a control character or a backslash'
  if (surrogate.test(key) && loneSurrogate.test(key)) return 'it is not well-formed Unicode'
  // A UTF-16 code unit is at most 3 bytes of UTF-8, so short keys need no count.
  if (key.length * 3 + rootBytes > maxKeyBytes && Buffer.byteLength(key) + rootBytes > maxKeyBytes) {
    return `it is longer than ${maxKeyBytes} bytes with its root`
  }
  let start = 0
  while (start <= key.length) {
    const slash = key.indexOf('/', start)
    const end = slash < 0 ? key.length : slash
    const length = end - start
    if (length === 0) return 'it has an empty part'
    if (key.charCodeAt(start) === 46 && (length === 1 || (length === 2 && key.charCodeAt(start + 1) === 46)))
      return 'it has a part that is "." or ".."'
    if (length * 3 > maxPartBytes && Buffer.byteLength(key.slice(start, end)) > maxPartBytes)
      return `it has a part longer than ${maxPartBytes} bytes`
    start = end + 1
  }
  return undefined
}

/** Surrogates stand for code points above all others, so they are lifted over U+E000 to U+FFFF. */
function codeUnitRank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit >= 0xe000 ? unit - 0x800 : unit + 0x2000
}
