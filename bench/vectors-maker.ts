/** Deletes rows of a table as an engine with deletion vectors does: no data file is written, each gets a vector of its own. */
import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { vectorFileName, vectorFileText } from '../src/data/vectors/descriptor.ts'
import { serialiseRows } from '../src/data/vectors/roaring.ts'
import { RowSet } from '../src/data/vectors/row-set.ts'
import { type Action, type Add, DeltaLog, parseActions, readCommit } from '../src/log/index.ts'
import { parseJson } from '../src/schema/json.ts'
import { localStore } from '../src/storage/index.ts'
import { commit } from '../src/transaction/index.ts'

/** Deletes so many of the rows of each file of a table whose commits only added files, spread evenly, by one commit. */
export async function deleteByVectors(folder: string, share: number): Promise<void> {
  const log = (await DeltaLog.open(localStore(folder)))!
  const { version } = log.latest
  const uuid = randomUUID()
  const file: Uint8Array[] = [Uint8Array.of(1)]
  let offset = 1
  const actions: Action[] = []
  for (let v = 1; v <= version; v++) {
    for (const action of parseActions(await readCommit(log.store, v))) {
      if (!('add' in action)) continue
      const { add } = action
      const rows = numRecords(add)
      const deleted = RowSet.of(evenlySpread(rows, Math.round(rows * share)))
      const bytes = serialiseRows(deleted)
      const frame = new DataView(new ArrayBuffer(8))
      frame.setUint32(0, bytes.length)
      frame.setUint32(4, crc32(bytes))
      file.push(new Uint8Array(frame.buffer, 0, 4), bytes, new Uint8Array(frame.buffer, 4))
      const deletionVector = {
        storageType: 'u',
        pathOrInlineDv: vectorFileText(uuid),
        offset,
        sizeInBytes: bytes.length,
        cardinality: deleted.size,
      } as const
      offset += bytes.length + 8
      const { path, partitionValues, size } = add
      const remove = { path, deletionTimestamp: Date.now(), dataChange: true, extendedFileMetadata: true, partitionValues, size }
      actions.push({ remove }, { add: { ...add, stats: looseStats(add), deletionVector } })
    }
  }
  writeFileSync(join(folder, vectorFileName(uuid)), Buffer.concat(file))
  const outcome = await commit(log, log.latest, { operation: 'DELETE', parameters: {}, metrics: {}, actions, isBlindAppend: false })
  if (outcome.outcome !== 'committed') throw new Error(`nothing was deleted: ${JSON.stringify(outcome)}`)
}

/** So many numbers below a limit, about as far from each other as by chance. */
function* evenlySpread(limit: number, count: number): Generator<number> {
  let state = 12345
  const seen = new Set<number>()
  while (seen.size < count) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    const row = Math.floor((state / 0x80000000) * limit)
    if (seen.has(row)) continue
    seen.add(row)
    yield row
  }
}

function numRecords({ stats }: Add): number {
  return Number((parseJson(stats ?? '{}') as { numRecords?: number }).numRecords)
}

/** Statistics under a vector need not be tight any more. */
function looseStats({ stats }: Add): string {
  return (stats ?? '{}').replace(/\}$/, ',"tightBounds":false}')
}
