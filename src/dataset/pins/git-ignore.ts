/** Data does not belong into Git: the folder of a pinned table is left out there, where a pin lies in a work tree of Git. */
import { dirname, join, relative, sep } from 'node:path'
import { localStore } from '../../storage/index.ts'
import { isIgnored } from '../git.ts'
import { isBelow } from './pin-place.ts'

/**
 * Adds a table to the `.gitignore` of the pin's folder; of a table that lies elsewhere, to the one beside it. Nothing happens where Git leaves it
 * out already, or where there is no Git. Both paths are absolute. @returns The `.gitignore` that got a line. @throws storage errors
 */
export async function leaveOutOfGit(table: string, pinFolder: string): Promise<string | null> {
  if ((await isIgnored(pinFolder, table)) !== false) return null
  const folder = isBelow(table, pinFolder) ? pinFolder : dirname(table)
  const store = localStore(folder)
  const known = (await store.head('.gitignore')) === undefined ? '' : new TextDecoder().decode((await store.get('.gitignore')).bytes)
  const newline = known === '' || known.endsWith('\n') ? '' : '\n'
  const line = `/${relative(folder, table).split(sep).map(pattern).join('/')}`
  if (known.split(/\r?\n/).includes(line)) return null
  await store.put('.gitignore', new TextEncoder().encode(`${known}${newline}${line}\n`))
  return join(folder, '.gitignore')
}

/** A name as a pattern of Git that fits nothing else. */
function pattern(name: string): string {
  return name.replace(/[\\*?[]/g, '\\$&').replace(/ $/, '\\ ')
}
