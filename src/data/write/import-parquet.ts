/**
 * Parquet files that lie in a folder, as the first version of a table (`--from-parquet`): their schema, and a {@link DataFile} for
 * each, where they are. Only footers are read, and the bytes once for their SHA-256.
 *
 * Statistics come from the footers as far as they can be trusted: no maximum of a float, since writers leave NaN out of it, and
 * nothing where a row group has none. Folders named `column=value` become partition columns; here alone, since there is no log yet.
 */
import { type Connection, trustedEngine } from '../../engine/index.ts'
import { InputError, SchemaError } from '../../errors/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import { toSqlType } from '../../schema/sql-type.ts'
import { planStatistics } from '../../schema/statistics-plan.ts'
import type { PrimitiveType, StructField, StructType } from '../../schema/types.ts'
import { systemFailure } from '../../storage/failures.ts'
import { hashFile, type ObjectStore } from '../../storage/index.ts'
import { inputCorrupt, inputFailure } from '../input/input-failure.ts'
import { normalise } from '../input/normalise.ts'
import { fileList } from '../input/sql-files.ts'
import { readFooters } from './footer-statistics.ts'
import { type HivePart, partitionType, readHiveFolders } from './hive-folders.ts'
import { spellStatistics } from './statistics.ts'
import type { DataFile } from './write-target.ts'

/** What a folder of Parquet files is as a table. */
export interface ImportedParquet {
  /** The files' columns, then the partition columns. All are nullable. */
  readonly schema: StructType
  readonly partitionColumns: readonly string[]
  readonly files: readonly DataFile[]
}

/**
 * Reads the footers of all Parquet files in a store; names that begin with `_` or `.` are none of them.
 *
 * @param options.properties The new table's, which say whose statistics are kept.
 * @throws InputError `INPUT_NOT_FOUND` where there is no Parquet file, `INPUT_CORRUPT` naming a file that is none
 * @throws SchemaError `TYPE_MISMATCH` naming a file whose columns or folders differ from the first's, `UNSUPPORTED_TYPE`
 */
export async function importParquet(
  store: ObjectStore,
  options: { readonly properties?: Readonly<Record<string, string>>; readonly signal?: AbortSignal | undefined } = {},
): Promise<ImportedParquet> {
  const found = await listParquet(store, options.signal)
  const keys = found.map((file) => file.key)
  const pinned = await store.materialise(keys, options)
  const connection = await (await trustedEngine()).connect()
  try {
    const { paths } = pinned
    const columns = await readColumns(connection, keys, paths, options.signal)
    const folders = keys.map(readHiveFolders)
    const partitions = partitionColumns(folders, keys)
    const inFolders = new Set(partitions.map((column) => column.name.toLowerCase()))
    const schema: StructType = {
      type: 'struct',
      fields: [...columns.filter((column) => !inFolders.has(column.name.toLowerCase())), ...partitions],
    }
    const names = partitions.map((column) => column.name)
    const plan = planStatistics(schema, names, options.properties ?? {})
    const footers = await readFooters(connection, paths, options.signal)
    const files: DataFile[] = []
    for (const [index, { key, modified }] of found.entries()) {
      const footer = footers.get(paths[index]!) ?? { rows: 0, statistics: () => undefined }
      const { size, sha256 } = await hashFile(paths[index]!).catch((error: unknown) => {
        throw systemFailure(error, 'read', key, store.root)
      })
      const stats = spellStatistics(plan, footer.rows, (leaf) => footer.statistics(leaf))
      files.push({
        path: key,
        size,
        modificationTime: modified.getTime(),
        partitionValues: valuesOf(folders[index]!),
        stats,
        numRecords: footer.rows,
        sha256,
      })
    }
    return { schema, partitionColumns: names, files }
  } catch (error) {
    throw inputFailure(error, pinned.paths)
  } finally {
    await connection.close()
    await pinned.release()
  }
}

async function listParquet(store: ObjectStore, signal: AbortSignal | undefined): Promise<{ key: string; modified: Date }[]> {
  const found: { key: string; modified: Date }[] = []
  for await (const { key, meta } of store.list('', { meta: true, signal })) {
    const hidden = key.split('/').some((part) => /^[_.]/.test(part) && !part.includes('='))
    if (!hidden && meta !== undefined && /\.(parquet|pq)$/i.test(key)) found.push({ key, modified: meta.modified })
  }
  if (found.length === 0) {
    throw new InputError('INPUT_NOT_FOUND', `There is no Parquet file in ${store.root}.`, {
      remedy: 'Name the folder that holds them.',
      data: { path: store.root },
    })
  }
  return found
}

/** The columns that all files have. */
async function readColumns(
  connection: Connection,
  keys: readonly string[],
  paths: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly StructField[]> {
  const run = { signal, files: paths }
  const sql = `SELECT file_name AS path, string_agg(concat_ws(' ', name, duckdb_type, num_children), ', ' ORDER BY column_id) AS columns
    FROM parquet_schema(${fileList(paths)}) WHERE column_id > 0 GROUP BY ALL`
  const shapes = new Map((await connection.all(sql, undefined, run)).map((row) => [String(row['path']), String(row['columns'])]))
  const expected = shapes.get(paths[0]!)
  for (const [index, path] of paths.entries()) {
    if (shapes.get(path) !== expected) throw differs(keys[index]!, keys[0]!, `the columns ${shapes.get(path)}`, `the columns ${expected}`)
  }
  const relation = `read_parquet(${fileList([paths[0]!])}, hive_partitioning = false)`
  const described = await connection.describe(`FROM ${relation}`, undefined, run)
  const { schema } = await normalise(connection, relation, undefined, run)
  for (const [index, field] of schema.fields.entries()) {
    const { sqlType } = described[index]!
    // Files stay as they are, so a type that had to be converted cannot be taken; unsigned ones widen as they are read.
    if (/TIMESTAMP_NS|UUID|UHUGEINT/.test(sqlType)) {
      throw new SchemaError(
        'UNSUPPORTED_TYPE',
        `The column ${quoteIdentifier(field.name)} of ${keys[0]} is ${sqlType}, which readers of a table expect as ${toSqlType(field.type)}.`,
        {
          remedy: 'Create the table empty and append the files: values are converted then.',
          data: { column: field.name, type: sqlType, path: keys[0]! },
        },
      )
    }
  }
  if (schema.fields.length === 0) throw inputCorrupt(keys[0]!, 'it has no columns')
  return schema.fields
}

function partitionColumns(folders: readonly (readonly HivePart[])[], keys: readonly string[]): StructField[] {
  const names = folders[0]!.map((part) => part.name)
  for (const [index, parts] of folders.entries()) {
    const own = parts.map((part) => part.name)
    if (own.join('/') !== names.join('/'))
      throw differs(keys[index]!, keys[0]!, `the partition folders ${own.join('/') || '(none)'}`, `${names.join('/') || '(none)'}`)
  }
  return names.map((name, index) => {
    const type: PrimitiveType = partitionType(folders.map((parts) => parts[index]!.value))
    return { name, type, nullable: true, metadata: {} }
  })
}

function valuesOf(parts: readonly HivePart[]): Record<string, string | null> {
  const values = Object.create(null) as Record<string, string | null>
  for (const { name, value } of parts) values[name] = value
  return values
}

function differs(path: string, first: string, found: string, expected: string): SchemaError {
  return new SchemaError('TYPE_MISMATCH', `The file ${path} has ${found}, and ${first} has ${expected}.`, {
    remedy: 'Move the file away, or create the table empty and append the files.',
    data: { path, from: found, to: expected },
  })
}
