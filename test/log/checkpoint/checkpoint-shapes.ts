/** Checkpoints of every shape that the protocol allows, put beside the commits of a log that a test made. */
import { v4 as uuid } from 'uuid'
import { type Connection, trustedEngine } from '../../../src/engine/index.ts'
import { addFormOf } from '../../../src/log/checkpoint/add-form.ts'
import { writeCheckpoint } from '../../../src/log/checkpoint/checkpoint.ts'
import { fileRows, smallActionsOf, smallRows } from '../../../src/log/checkpoint/checkpoint-rows.ts'
import type { DeltaLog } from '../../../src/log/delta-log.ts'
import { withSegment } from '../../../src/log/files/file-list.ts'
import { checkpointKey, logFolder, sidecarKey } from '../../../src/log/paths.ts'
import { liveFiles, tombstones } from '../../../src/log/replay.ts'
import type { TableState } from '../../../src/log/state.ts'
import { schemaOf } from '../../../src/log/table-schema.ts'
import { stringifyJson } from '../../../src/schema/json.ts'
import type { ObjectStore } from '../../../src/storage/index.ts'

export const shapes = ['classic', 'ours V2', 'parts', 'V2 Parquet', 'V2 JSON', 'V2 JSON inline', 'V2 under the classic name'] as const
export type Shape = (typeof shapes)[number]

const padded = (value: number, width: number) => String(value).padStart(width, '0')
const topKey = (version: number, encoding: string) => `${logFolder}/${padded(version, 20)}.checkpoint.${uuid()}.${encoding}`

/** Puts a checkpoint of a version. @returns the keys of its files, the top one first. */
export async function putCheckpoint(store: ObjectStore, log: DeltaLog, version: number, shape: Shape): Promise<string[]> {
  const state = await log.stateAt(version)
  if (shape === 'classic') {
    await writeCheckpoint(store, { ...state, checkpoint: undefined }, 0)
    return [checkpointKey(version)]
  }
  if (shape === 'ours V2') {
    const name = (await writeCheckpoint(store, withPolicy(state), 0)).checkpoint!.path!
    return [`${logFolder}/${name}`]
  }
  const { partitionColumns, configuration } = state.metadata
  const form = addFormOf(schemaOf(state.metadata), partitionColumns, configuration)
  const connection = await (await trustedEngine()).connect()
  const commits = Array.from({ length: version + 1 }, (_, i) => i)
  try {
    return await withSegment(store, connection, { version, checkpoint: undefined, commits, compactions: [] }, async (_, actions) => {
      const files = `${fileRows('add', liveFiles(undefined, actions), form)} UNION ALL BY NAME ${fileRows('remove', tombstones(undefined, actions), form)}`
      return putShape(store, connection, state, shape, files)
    })
  } finally {
    await connection.close()
  }
}

/** A state whose table asks for V2 checkpoints. */
export function withPolicy(state: TableState): TableState {
  const features = [...(state.protocol.writerFeatures ?? []), 'v2Checkpoint']
  const configuration = { ...state.metadata.configuration, 'delta.checkpointPolicy': 'v2' }
  const protocol = { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: ['v2Checkpoint'], writerFeatures: features }
  return { ...state, protocol, metadata: { ...state.metadata, configuration } }
}

async function putShape(store: ObjectStore, connection: Connection, state: TableState, shape: Shape, files: string): Promise<string[]> {
  const { version } = state
  const small = smallRows(state)
  if (shape === 'parts') {
    const keys: string[] = []
    for (const part of [1, 2, 3]) {
      const some = `SELECT * FROM (${files}) WHERE hash(coalesce("add".path, "remove".path)) % 3 = ${part - 1}`
      const key = `${logFolder}/${padded(version, 20)}.checkpoint.${padded(part, 10)}.${padded(3, 10)}.parquet`
      await putParquet(store, connection, key, part === 2 ? `${small} UNION ALL BY NAME ${some}` : some)
      keys.push(key)
    }
    return keys
  }
  const metadata = { checkpointMetadata: { version, tags: {} } }
  if (shape === 'V2 JSON inline') {
    const key = topKey(version, 'json')
    const rows = await connection.all(`SELECT CAST(to_json(row) AS VARCHAR) AS line FROM (${files}) AS row`)
    const lines = [metadata, ...smallActionsOf(state)].map((action) => stringifyJson(action))
    await store.put(key, new TextEncoder().encode(`${[...lines, ...rows.map((row) => String(row.line))].join('\n')}\n`))
    return [key]
  }
  const names: string[] = []
  for (const half of [0, 1]) {
    const name = `${uuid()}.parquet`
    await putParquet(
      store,
      connection,
      sidecarKey(name),
      `SELECT * FROM (${files}) WHERE hash(coalesce("add".path, "remove".path)) % 2 = ${half}`,
    )
    names.push(name)
  }
  if (shape === 'V2 JSON') {
    const key = topKey(version, 'json')
    const sidecars = names.map((path) => ({ sidecar: { path, sizeInBytes: 1, modificationTime: 1, tags: {} } }))
    const lines = [metadata, ...sidecars, ...smallActionsOf(state)].map((action) => stringifyJson(action))
    await store.put(key, new TextEncoder().encode(`${lines.join('\n')}\n`))
    return [key, ...names.map(sidecarKey)]
  }
  const key = shape === 'V2 Parquet' ? topKey(version, 'parquet') : checkpointKey(version)
  const sidecars = names.map((path) => `SELECT {'path': '${path}', 'sizeInBytes': 1::BIGINT, 'modificationTime': 1::BIGINT} AS sidecar`)
  const rows = [small, `SELECT {'version': ${version}::BIGINT} AS "checkpointMetadata"`, ...sidecars]
  await putParquet(store, connection, key, rows.join(' UNION ALL BY NAME '))
  return [key, ...names.map(sidecarKey)]
}

async function putParquet(store: ObjectStore, connection: Connection, key: string, sql: string): Promise<void> {
  const staging = await store.stage()
  try {
    const path = `${staging.folder}/checkpoint.parquet`
    await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`)
    const [row] = await connection.all(`SELECT size FROM read_blob('${path}')`)
    await store.put(key, { path, size: Number(row?.size) })
  } finally {
    await staging.dispose()
  }
}
