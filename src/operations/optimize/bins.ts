/**
 * Which files of a version are rewritten together: those of a partition that are small or have lost rows, in the order in which they came, so
 * many at a time as make a file of the size wanted. Neighbours in time stay neighbours, which keeps bounds of times and serial numbers tight.
 *
 * What was rewritten once is left alone until something new joins it.
 */
import { canonicalPath, type FileList } from '../../log/index.ts'

/** A file of the list, as far as it decides what is done with it. */
export interface Candidate {
  /** A key relative to the table's root, or an absolute local path. */
  readonly path: string
  readonly bytes: number
  /** Physical rows, `undefined` where the log does not say. */
  readonly rows: number | undefined
  /** Rows that a vector deletes. */
  readonly deleted: number
  /** Milliseconds since 1970. */
  readonly modified: number
  /** The partition's values as one text. */
  readonly partition: string
  /** What an optimize said of the file that it wrote. */
  readonly mark: string | undefined
}

/** The tag by which an optimize knows what it wrote. */
export const markTag = 'varve.optimized'

/** A file that is at least so much of the size wanted is left as it is. */
const goodShare = 0.5

/** Files of a list, those below `smallerThan` bytes or with a vector, or all. */
export async function listCandidates(list: FileList, smallerThan?: number, signal?: AbortSignal): Promise<Candidate[]> {
  return list.use(async ({ connection, relation }) => {
    const where = smallerThan === undefined ? '' : 'WHERE size < $1 OR deletion_vector.storageType IS NOT NULL'
    const rows = await connection.all(
      `SELECT path, size, num_records, deletion_vector.cardinality AS deleted, modification_time, partition_values, tags['${markTag}'] AS mark
       FROM ${relation} ${where} ORDER BY modification_time, path`,
      smallerThan === undefined ? undefined : [smallerThan],
      { signal },
    )
    return rows.map((row) => ({
      path: canonicalPath(String(row.path)),
      bytes: Number(row.size),
      rows: row.num_records === null ? undefined : Number(row.num_records),
      deleted: Number(row.deleted ?? 0),
      modified: Number(row.modification_time),
      partition: partitionKey(row.partition_values as ReadonlyMap<string, string | null> | null),
      mark: row.mark === null ? undefined : String(row.mark),
    }))
  })
}

/** Below how many bytes a file is small. */
export function smallBelow(targetBytes: number): number {
  return Math.ceil(targetBytes * goodShare)
}

/** Files by partition, in their order. */
export function byPartition(files: readonly Candidate[]): Candidate[][] {
  const partitions = new Map<string, Candidate[]>()
  for (const file of files) {
    const others = partitions.get(file.partition)
    if (others === undefined) partitions.set(file.partition, [file])
    else others.push(file)
  }
  return [...partitions.values()]
}

/** Bins of small files, and of files with vectors, in their order. `mark` is what the files of a bin will be marked with. */
export function bins(files: readonly Candidate[], targetBytes: number, mark: string): Candidate[][] {
  const found: Candidate[][] = []
  for (const partition of byPartition(files)) {
    let [bin, bytes]: [Candidate[], number] = [[], 0]
    const close = () => {
      if (isWorthwhile(bin, mark)) found.push(bin)
      bin = []
      bytes = 0
    }
    for (const file of partition) {
      const more = liveBytes(file)
      if (more >= smallBelow(targetBytes)) {
        if (file.deleted > 0) found.push([file])
        continue
      }
      if (bytes + more > targetBytes) close()
      bin.push(file)
      bytes += more
    }
    close()
  }
  return found
}

/** About how many bytes the rows of a file take that are not deleted. */
export function liveBytes({ bytes, rows, deleted }: Candidate): number {
  return rows === undefined || rows === 0 ? bytes : bytes * Math.max(0, 1 - deleted / rows)
}

/**
 * Two files of which no optimize knew are worth it, and so is one that came after those that it wrote. One that is older stayed alone then,
 * since there was no room for it: rows take less room together than it was thought.
 */
function isWorthwhile(bin: readonly Candidate[], mark: string): boolean {
  if (bin.some(({ deleted }) => deleted > 0)) return true
  const fresh = bin.filter((file) => file.mark !== mark)
  if (fresh.length !== 1) return fresh.length > 1
  return bin.length > 1 && bin.every((file) => file === fresh[0] || file.modified < fresh[0]!.modified)
}

/** In a partition column the empty string is NULL. */
function partitionKey(values: ReadonlyMap<string, string | null> | null): string {
  return JSON.stringify(
    [...(values ?? [])].map(([name, value]) => [name, value || null]).sort(([one], [other]) => (one! < other! ? -1 : 1)),
  )
}
