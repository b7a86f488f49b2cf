/**
 * The digest of a version's rows: SHA-256 of the columns, and of each row's canonical text, summed modulo 2^256 (spec/fingerprint.md).
 *
 * A sum has no order and grows by what comes and goes, so from the digest of another version only the files that the two do not have in
 * common are read; of a file with another deletion vector, the rows that only one of the vectors deletes. The engine hashes and adds up
 * four parts of 64 bits, which it can sum without overflow.
 */
import { type Connection, trustedEngine, type Value } from '../engine/index.ts'
import type { DeltaLog, TableState } from '../log/index.ts'
import { explained } from '../query/attempt.ts'
import { pinSelected, withSelectedRows } from '../query/changes/changed-rows.ts'
import { type DifferingFile, differingFiles, wholeFile } from '../query/diff/differing-files.ts'
import { type QueryTarget, targetOf } from '../query/index.ts'
import { fileDifferences } from '../query/relation/nested-names.ts'
import { relationSql } from '../query/relation/relation.ts'
import { columnsDigest, isCanonical, rowText } from './canonical-rows.ts'

/** A version whose digest is known. */
export interface KnownRows {
  readonly state: TableState
  readonly digest: string
}

/** Files of one statement. */
const together = 1000

const modulus = 1n << 256n

/** Whether a version's rows can have a digest: one with a column that holds variants has none. */
export function hasRowsDigest(state: TableState, log: DeltaLog): boolean {
  return isCanonical(targetOf(log, state).schema)
}

/**
 * Computes the digest, from that of another version of the same columns where one is given and less is to be read so.
 * @throws DataFileError; LogError; QueryError OUT_OF_MEMORY; storage errors
 */
export async function rowsDigest(log: DeltaLog, state: TableState, from: KnownRows | undefined, signal?: AbortSignal): Promise<string> {
  const target = targetOf(log, state)
  const list = await log.files(state)
  const all = (await list.select(undefined, undefined, signal)).map(wholeFile)
  if (from !== undefined) {
    const { gone, come } = await differingFiles(await log.files(from.state), list, signal)
    if (bytesOf(gone) + bytesOf(come) < bytesOf(all)) {
      const less = await sumOf(target, gone, signal)
      return hexOf(BigInt(`0x${from.digest}`) - less + (await sumOf(target, come, signal)))
    }
  }
  return hexOf(columnsDigest(target.schema) + (await sumOf(target, all, signal)))
}

async function sumOf(target: QueryTarget, files: readonly DifferingFile[], signal: AbortSignal | undefined): Promise<bigint> {
  if (target.schema.fields.length === 0 || files.length === 0) return 0n
  const connection = await (await trustedEngine()).connect()
  try {
    let sum = 0n
    for (let at = 0; at < files.length; at += together) {
      sum += await sumOfSome(target, files.slice(at, at + together), connection, signal)
    }
    return sum
  } finally {
    await connection.close()
  }
}

async function sumOfSome(
  target: QueryTarget,
  files: readonly DifferingFile[],
  connection: Connection,
  signal: AbortSignal | undefined,
): Promise<bigint> {
  const { store, version, schema, properties, partitionColumns } = target
  const selected = files.map((file) => ({ ...file, version }))
  const pinned = await pinSelected(store, selected, 'The digest of the rows cannot be computed without it.', signal)
  const { paths } = pinned
  try {
    const relationFiles = await withSelectedRows(store, selected, paths, connection, signal)
    const nested = await fileDifferences(connection, target, undefined, paths)
    const values: Record<string, Value> = {}
    const bindValue = (value: Value) => {
      const name = `varve_p${Object.keys(values).length}`
      values[name] = value
      return `$${name}`
    }
    const relation = relationSql({ schema, properties, partitionColumns, files: relationFiles, paths, nested, bindValue })
    const [row] = await connection.all(
      `SELECT ${[0, 1, 2, 3].map(partSum).join(', ')} FROM (SELECT sha256(${rowText(schema, 'r')}) AS h FROM (${relation}) AS r)`,
      values,
      { signal },
    )
    return [0, 1, 2, 3].reduce((sum, part) => (sum << 64n) + BigInt((row?.[`p${part}`] as bigint | null) ?? 0), 0n)
  } catch (error) {
    throw await explained(error, { tables: [{ target, files, pinned }] })
  } finally {
    await pinned.release()
  }
}

function partSum(part: number): string {
  return `sum(CAST('0x' || substr(h, ${part * 16 + 1}, 16) AS UBIGINT)) AS p${part}`
}

function hexOf(sum: bigint): string {
  return (((sum % modulus) + modulus) % modulus).toString(16).padStart(64, '0')
}

function bytesOf(files: readonly DifferingFile[]): number {
  return files.reduce((sum, { size }) => sum + size, 0)
}
