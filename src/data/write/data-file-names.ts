/**
 * Where data files lie: `part-<uuid>.parquet`, in one folder for each partition value, named as Hive names them. Folder names are
 * for people: values are read from the log alone, so a name that would be too long is cut and told apart by a hash.
 */
import { v4 as uuid } from 'uuid'
import { hashBytes } from '../../storage/index.ts'

/**
 * A new key for a data file of a partition; `values` are by physical name, in the order of the partition columns. Files of the change
 * feed lie in a folder of their own (§Change Data Files).
 */
export function newDataFileKey(values: Readonly<Record<string, string | null>>, purpose: 'rows' | 'changes' = 'rows'): string {
  const folder = partitionFolder(values)
  const name = `${folder === '' ? '' : `${folder}/`}${purpose === 'rows' ? 'part' : 'cdc'}-${uuid()}.parquet`
  return purpose === 'rows' ? name : `_change_data/${name}`
}

/** Room for a folder's name: 255 bytes are the limit of local disks. */
const longestPart = 120
/** Room for all folders together: 900 bytes are the limit of a key with its root. */
const longestFolder = 360

function partitionFolder(values: Readonly<Record<string, string | null>>): string {
  const parts = Object.entries(values).map(([name, value]) =>
    fit(`${escapeName(name)}=${value === null ? '__HIVE_DEFAULT_PARTITION__' : escapeName(value)}`),
  )
  const folder = parts.join('/')
  return byteLength(folder) <= longestFolder ? folder : `partition-${shortHash(folder)}`
}

/** Hive's escapes, and what keys may not hold: control characters, separators, backslashes; no part ends with a dot or a space. */
function escapeName(text: string): string {
  return text.replace(/[\p{Cc}"#%'*/:=?\\{}[\]^<>|]|[. ]+$/gu, (found) =>
    Array.from(Buffer.from(found), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
}

function fit(part: string): string {
  if (byteLength(part) <= longestPart) return part
  let cut = ''
  for (const character of part) {
    if (byteLength(cut + character) > longestPart - 20) break
    cut += character
  }
  return `${cut}~${shortHash(part)}`
}

function shortHash(text: string): string {
  return hashBytes(Buffer.from(text)).slice(0, 16)
}

function byteLength(text: string): number {
  return Buffer.byteLength(text)
}
