/** What a damage is, and the means of doing it. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../random.ts'
import { commitName, inLog, linesOf, type TableName } from '../tables.ts'

/**
 * What may come of a damage, beside an error with a code:
 * - `same`: nothing, and no error either: what was damaged is derived from what is left;
 * - `same or refused`: the rows as they were, or an error;
 * - `counts`: rows are as they were or refused, but what the log alone says of them (counts, files, describe) is believed;
 * - `anything`: the log or a file says something else now, and says it well. No reader can tell.
 */
export type Allowed = 'same' | 'same or refused' | 'counts' | 'anything'

/** One way to damage a table. */
export interface Damage {
  readonly name: string
  readonly table: TableName
  readonly allowed: Allowed
  /** Damages the copy at `root`; `source` is the folder of the tables that stay whole. */
  apply(root: string, random: Random, source: string): void
}

/** Replaces a file's bytes by what `change` makes of them. */
export function rewrite(path: string, change: (bytes: Buffer) => Uint8Array | string): void {
  writeFileSync(path, change(readFileSync(path)))
}

/** Changes the text of a commit. */
export function editCommit(root: string, version: number, change: (lines: string[]) => string | Uint8Array): void {
  writeFileSync(inLog(root, commitName(version)), change(linesOf(root, version)))
}

/** Removes all that is derived from the commits: checksums, checkpoints, hints. */
export function dropDerived(root: string): void {
  for (const name of readdirSync(join(root, '_delta_log'))) {
    if (/\.crc$|checkpoint|compacted/.test(name)) rmSync(inLog(root, name), { recursive: true })
  }
}

/** Lines as a file has them. */
export const asText = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('')

/** Changes the first action of a kind in a commit, as an object. */
export function editAction(root: string, version: number, kind: string, change: (action: Record<string, unknown>) => unknown): void {
  editCommit(root, version, (lines) => {
    const at = lines.findIndex((line) => line.startsWith(`{"${kind}"`))
    const action = JSON.parse(lines[at]!)[kind]
    const changed = change(action)
    lines[at] = `{"${kind}":${typeof changed === 'string' ? changed : JSON.stringify(changed ?? action)}}`
    return asText(lines)
  })
}

/** An action's JSON with one value put in as it stands, so that it may be what JSON.stringify does not write. */
export function withRaw(action: Record<string, unknown>, key: string, raw: string): string {
  return JSON.stringify({ ...action, [key]: '\u0001' }).replace('"\\u0001"', () => raw)
}

/** Flips some bits of some bytes. */
export function flip(bytes: Buffer, random: Random, count: number, from = 0, to = bytes.length): Buffer {
  const flipped = Buffer.from(bytes)
  for (let n = 0; n < count; n += 1) flipped[from + random.below(to - from)]! ^= 1 << random.below(8)
  return flipped
}
