/** The hashes of code that makes versions. A file is hashed once for each time that it was changed. */
import { statSync } from 'node:fs'
import { isAbsolute, relative, resolve } from 'node:path'
import type { CodeHash } from '../../log/index.ts'
import type { CodePart } from '../../operations/provenance.ts'
import { hashBytes, hashFile } from '../../storage/index.ts'

const known = new Map<string, { readonly stamp: string; readonly sha256: Promise<string | undefined> }>()

/** The hashes of parts of code, in their order. What cannot be read is left out. */
export async function codeHashes(parts: readonly CodePart[]): Promise<CodeHash[]> {
  const hashes = await Promise.all(parts.map((part) => (typeof part === 'string' ? fileHash(part) : textHash(part.text))))
  return hashes.filter((hash) => hash !== undefined)
}

/** A path as a log tells it: from the current folder, where it lies there. */
export function toldPath(path: string): string {
  const way = relative(process.cwd(), resolve(path))
  return way.startsWith('..') || isAbsolute(way) ? resolve(path) : way
}

async function textHash(text: string): Promise<CodeHash> {
  return { sha256: hashBytes(Buffer.from(text)) }
}

async function fileHash(path: string): Promise<CodeHash | undefined> {
  const absolute = resolve(path)
  const stamp = stampOf(absolute)
  if (stamp === undefined) return undefined
  let of = known.get(absolute)
  if (of?.stamp !== stamp) {
    of = {
      stamp,
      sha256: hashFile(absolute).then(
        ({ sha256 }) => sha256,
        () => undefined,
      ),
    }
    known.set(absolute, of)
  }
  const sha256 = await of.sha256
  return sha256 === undefined ? undefined : { file: toldPath(path), sha256 }
}

function stampOf(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat?.isFile() ? `${stat.ino} ${stat.size} ${stat.mtimeMs}` : undefined
}
