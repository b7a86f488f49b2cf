/**
 * A classic checkpoint (§Classic checkpoint): one Parquet file. Small actions and live files come first, then unexpired tombstones, so
 * that the row groups of these are not touched by reading a snapshot.
 */
import { quoteLiteral } from '../../schema/quoting.ts'
import { hashFile } from '../../storage/index.ts'
import { withSegment } from '../files/file-list.ts'
import { checkpointKey } from '../paths.ts'
import { liveFiles, tombstones } from '../replay.ts'
import {
  type CheckpointWork,
  checkWhole,
  fileRows,
  materialise,
  smallActionsOf,
  smallRows,
  unexpired,
  type Written,
} from './checkpoint-rows.ts'

/** Writes the classic checkpoint of a state. One that is there already is left as it is. */
export async function writeClassicCheckpoint(work: CheckpointWork): Promise<Written> {
  const { store, connection, staging, state, segment, form, expired } = work
  const { version } = state
  const { adds, removes } = await withSegment(store, connection, segment, async (base, commits) => ({
    adds: await materialise(connection, 'live', liveFiles(base, commits)),
    removes: await materialise(connection, 'gone', unexpired(tombstones(base, commits), expired)),
  }))
  checkWhole(work, adds)
  const path = `${staging.folder}/${version}.checkpoint.parquet`
  const rows = [smallRows(state), fileRows('add', 'FROM live', form), fileRows('remove', 'FROM gone', form)]
  await connection.run(`COPY (${rows.join(' UNION ALL BY NAME ')}) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION zstd)`)
  const { size } = await hashFile(path)
  await store.putIfAbsent(checkpointKey(version), { path, size })
  const files = adds + removes
  return { version, actions: smallActionsOf(state).length + files, files, adds, bytes: size }
}
