/**
 * The files that lie in a table's folder and may be deleted where nothing names them, as a table of the engine.
 *
 * Those are Parquet files and files of deletion vectors, and nothing else: what a user put beside them is theirs. Names that begin with `_`
 * or `.` are no data, nor is anything in a folder with such a name, but for `_change_data` and for the folders of a partition column whose
 * own name begins so. A folder with a log of its own is another table.
 */
import { Field, Int64, makeData, RecordBatch, Schema, Struct, Utf8, vectorFromArray } from 'apache-arrow'
import { vectorFileText } from '../../data/vectors/descriptor.ts'
import type { Connection } from '../../engine/index.ts'
import type { Entry, ObjectStore } from '../../storage/object-store.ts'

const schema = new Schema([
  new Field('key', new Utf8(), false),
  new Field('vector', new Utf8(), true),
  new Field('size', new Int64(), false),
  new Field('modified', new Int64(), false),
])

/** Files of a batch. */
const together = 50_000

const ownFolders = ['_delta_log/', '_varve/']

const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const vectorFile = new RegExp(`^(?:(.*)/)?deletion_vector_(${uuid})\\.bin$`, 'i')

/**
 * Lists them into a new table `key VARCHAR, vector VARCHAR, size BIGINT, modified BIGINT` (milliseconds). `vector` is the text by which the
 * log names a file of vectors, prefix and all.
 */
export async function listFiles(
  store: ObjectStore,
  connection: Connection,
  options: { readonly table: string; readonly partitionColumns: readonly string[]; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { table, partitionColumns, signal } = options
  await connection.run(`CREATE TABLE ${table} (key VARCHAR, vector VARCHAR, size BIGINT, modified BIGINT)`)
  const hiddenColumns = partitionColumns.filter((name) => /^[_.]/.test(name)).map((name) => `${name}=`)
  const tablesWithin = new Set<string>()
  let rows: Row[] = []
  const flush = async () => {
    if (rows.length > 0)
      await connection.withBatches(schema, [batchOf(rows)], (lines) => connection.run(`INSERT INTO ${table} FROM ${lines}`))
    rows = []
  }
  for await (const { key, meta } of outsideLog(store, signal)) {
    const log = key.indexOf('/_delta_log/')
    if (log >= 0) tablesWithin.add(key.slice(0, log + 1))
    if (!meta || !mayGo(key, hiddenColumns)) continue
    const [, folder, id] = vectorFile.exec(key) ?? []
    const vector = id === undefined ? null : `${folder ?? ''}${vectorFileText(id)}`
    rows.push({ key, vector, size: meta.size, modified: meta.modified.getTime() })
    if (rows.length >= together) await flush()
  }
  await flush()
  for (const folder of tablesWithin) await connection.run(`DELETE FROM ${table} WHERE starts_with(key, $1)`, [folder])
}

/** All keys but those of the table's own log and records, which may be many and are none of the files looked for. */
async function* outsideLog(store: ObjectStore, signal: AbortSignal | undefined): AsyncGenerator<Entry> {
  for (let startAfter: string | undefined; ; ) {
    let skipped: string | undefined
    for await (const entry of store.list('', { meta: true, startAfter, signal })) {
      skipped = ownFolders.find((folder) => entry.key.startsWith(folder))
      if (skipped !== undefined) break
      yield entry
    }
    if (skipped === undefined) return
    // No key of the folder is behind it with the last of all characters.
    startAfter = `${skipped}\u{10ffff}`
  }
}

interface Row {
  readonly key: string
  readonly vector: string | null
  readonly size: number
  readonly modified: number
}

function batchOf(rows: readonly Row[]): RecordBatch {
  const length = rows.length
  const texts = (values: readonly (string | null)[]) => vectorFromArray(values, new Utf8()).data[0]!
  const numbers = (values: readonly number[]) => makeData({ type: new Int64(), length, data: BigInt64Array.from(values, BigInt) })
  const children = [
    texts(rows.map(({ key }) => key)),
    texts(rows.map(({ vector }) => vector)),
    numbers(rows.map(({ size }) => size)),
    numbers(rows.map(({ modified }) => modified)),
  ]
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, children }))
}

/** Whether a file is one of a table's own kinds, and not hidden. */
function mayGo(key: string, hiddenColumns: readonly string[]): boolean {
  if (!key.endsWith('.parquet') && !vectorFile.test(key)) return false
  return key.split('/').every((part, depth, parts) => {
    if (!/^[_.]/.test(part)) return true
    if (depth === parts.length - 1) return false
    return (depth === 0 && part === '_change_data') || hiddenColumns.some((column) => part.startsWith(column))
  })
}
