/** Folders named `column=value`, as Hive and its heirs write them. */
import type { PrimitiveType } from '../../schema/types.ts'

/** One folder's column and value. */
export interface HivePart {
  readonly name: string
  readonly value: string | null
}

/** The parts of a key's folders that name a value, in order. */
export function readHiveFolders(key: string): HivePart[] {
  return key
    .split('/')
    .slice(0, -1)
    .filter((part) => part.indexOf('=') > 0)
    .map((part) => {
      const at = part.indexOf('=')
      const value = decodeName(part.slice(at + 1))
      return { name: decodeName(part.slice(0, at)), value: value === '__HIVE_DEFAULT_PARTITION__' || value === '' ? null : value }
    })
}

/** The type of a partition column that all its values fit: long, date or string. Text that would change as a number stays text. */
export function partitionType(values: readonly (string | null)[]): PrimitiveType {
  const known = values.filter((value) => value !== null)
  if (known.length === 0) return 'string'
  if (known.every((value) => /^(0|-?[1-9]\d{0,17})$/.test(value))) return 'long'
  const isDate = (value: string): boolean => /^\d{4}-\d\d-\d\d$/.test(value) && new Date(value).toJSON()?.startsWith(value) === true
  return known.every(isDate) ? 'date' : 'string'
}

function decodeName(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that escapes nothing stands for itself.
    return text
  }
}
