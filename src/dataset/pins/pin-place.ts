/**
 * Where the table of a pin lies, and where it may be put.
 *
 * A pin may come from a stranger, by Git, and so may the links beside it. Reading is safe wherever its table is said to lie: nothing of it is used before its
 * history was found to be the one that was pinned. Writing is not: a stranger's table could bring any file to any folder. So a pull writes
 * below the project alone, links followed: the work tree of Git that the pin lies in, or where there is none the folder of the pin.
 * Everywhere else only on request, by the same `allowPaths` that lets a table's log name files outside its folder.
 */
import { closeSync, existsSync, lstatSync, openSync, readlinkSync, readSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { PinError } from '../../errors/index.ts'
import type { Pin } from './pin-file.ts'

/** The ending of pins. */
export const pinExtension = '.varve'

/** Whether a path is that of a pin, there or not. A folder is a table. */
export function isPinPath(path: string): boolean {
  return isPinFile(path) || (path.endsWith(pinExtension) && !existsSync(path))
}

/** Whether a path is that of a pin that is there: a file under a name that pins have, or one that begins as a pin does. */
export function isPinFile(path: string): boolean {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return false
    return path.endsWith(pinExtension) || /^varve-pin:/m.test(beginningOf(path))
  } catch {
    // Whoever opens it says why it cannot be looked at.
    return false
  }
}

function beginningOf(path: string): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(4096)
    return bytes.toString('utf8', 0, readSync(file, bytes))
  } finally {
    closeSync(file)
  }
}

/** The folder of a pin's table, absolute. */
export function tableOfPin(file: string, pin: Pick<Pin, 'table'>): string {
  return resolve(dirname(file), pin.table)
}

/**
 * The folder that a pull may put a pin's table into. @throws PinError PIN_OUTSIDE_PROJECT where it lies outside of the project, and
 * outside of the folders `allowPaths`
 */
export function writableTableOfPin(file: string, pin: Pick<Pin, 'table'>, allowPaths: readonly string[] = []): string {
  const folder = tableOfPin(file, pin)
  const real = realPath(folder)
  const project = projectOf(dirname(resolve(file)))
  const isGits = relative(project, real)
    .split(sep)
    .some((part) => part.toLowerCase() === '.git')
  if (!isGits && [project, ...allowPaths].some((one) => isBelow(real, realPath(resolve(one))))) return folder
  throw new PinError(
    'PIN_OUTSIDE_PROJECT',
    `The pin ${file} names the table ${real}, which ${isGits ? 'is a folder of Git' : `lies outside of the project ${project}`}.`,
    {
      remedy: isGits ? 'Do not trust this pin.' : `If you want its files there, allow it: --allow-path ${dirname(real)}.`,
      data: { file, table: real, project },
    },
  )
}

/** The project that a folder belongs to: the nearest folder above it that has a `.git`, else itself. Absolute, links followed. */
export function projectOf(folder: string): string {
  const real = realPath(resolve(folder))
  for (let above = real; ; above = dirname(above)) {
    if (lstatSync(join(above, '.git'), { throwIfNoEntry: false })) return above
    if (above === dirname(above)) return real
  }
}

/** Whether a path is a folder or lies in it. Both absolute. */
export function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`)
}

/** A path with its links resolved, those too that lead to nothing; parts that are not there stay as they are. */
export function realPath(path: string): string {
  try {
    return realpathSync.native(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if ((code !== 'ENOENT' && code !== 'ENOTDIR') || dirname(path) === path) return path
    const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()
    return isLink ? realPath(resolve(dirname(path), readlinkSync(path))) : join(realPath(dirname(path)), basename(path))
  }
}
