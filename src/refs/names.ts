/**
 * Names that users give to things in a table: as Git's, without `/` and `@`, so that they are one part of a path and stand behind the `@` of a
 * reference; and no number and no date, which mean versions and instants there.
 */
import { UsageError } from '../errors/index.ts'

const maxBytes = 200

/** Checks a name; `what` is called so in the message. @throws UsageError INVALID_NAME */
export function checkName(name: unknown, what: string): asserts name is string {
  const problem = typeof name === 'string' ? problemOf(name) : 'it is no text'
  if (problem === undefined) return
  throw new UsageError('INVALID_NAME', `${JSON.stringify(name)} cannot be the name of a ${what}: ${problem}.`, {
    remedy: 'Use letters, digits, dots, dashes and underscores, beginning with a letter, as in nightly-report.',
    data: { name: String(name) },
  })
}

/** Whether a name is one that {@link checkName} takes. */
export function isName(name: string): boolean {
  return problemOf(name) === undefined
}

/** What a name is known by: names that differ in nothing but case, or in how their accents are spelled, are one. */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase().normalize('NFC')
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (Buffer.byteLength(nameKey(name)) > maxBytes) return `it is longer than ${maxBytes} bytes`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (/[\u0000-\u0020\u007f~^:?*[\\/@]/.test(name)) return 'it holds a space, a control character or one of ~ ^ : ? * [ \\ / @'
  if (/\p{Surrogate}|\p{White_Space}|\p{Cf}/u.test(name)) return 'it holds a character that cannot be seen'
  if (/^[.-]|\.$|\.\.|\.lock$/i.test(name)) return 'it begins with a dot or a dash, ends with a dot or .lock, or holds two dots'
  if (/^\d+$/.test(name)) return 'a number means a version'
  return /^\d{4}-\d{2}-\d{2}([Tt].*)?$/.test(name) ? 'a date means an instant' : undefined
}
