/** What the tests of writing share: a store in a temporary folder, and files read back by DuckDB. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { type DataFile, type Input, type OpenOptions, openSource, type WriteTarget, writeFiles } from '../../src/data/index.ts'
import { type Parameters, trustedEngine } from '../../src/engine/index.ts'
import { quoteLiteral } from '../../src/schema/quoting.ts'
import { field, struct } from '../../src/schema/schema-json.ts'
import { localStore } from '../../src/storage/index.ts'

const folders: string[] = []

/** A new temporary folder, removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'varve-test-data-'))
  folders.push(folder)
  return folder
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** Rows of a statement in the trusted engine. */
export async function sql(text: string, parameters?: Parameters): Promise<Record<string, unknown>[]> {
  const connection = await (await trustedEngine()).connect()
  try {
    return await connection.all(text, parameters)
  } finally {
    await connection.close()
  }
}

/** Opens an input and writes it. Without `schema` the source's own is the table's. */
export async function write(
  input: Input,
  target: Partial<WriteTarget> & { folder?: string } = {},
  options: OpenOptions = {},
): Promise<{ folder: string; files: DataFile[]; paths: string[]; schema: WriteTarget['schema'] }> {
  const folder = target.folder ?? temporaryFolder()
  const tableSchema = options.tableSchema ?? target.schema
  const source = await openSource(input, tableSchema === undefined ? options : { ...options, tableSchema })
  try {
    const schema = target.schema ?? source.schema
    const files = await writeFiles(source, { store: localStore(folder), partitionColumns: [], properties: {}, ...target, schema })
    return { folder, files, paths: files.map((file) => join(folder, file.path)), schema }
  } finally {
    await source.close()
  }
}

/** All rows of files, as DuckDB reads them. */
export function readBack(paths: readonly string[], order = 'ALL'): Promise<Record<string, unknown>[]> {
  return sql(`FROM read_parquet([${paths.map(quoteLiteral).join(', ')}], hive_partitioning = false) ORDER BY ${order}`)
}

/** Names in a folder that belong to data: all but those that begin with `_`. */
export function visibleNames(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => !name.startsWith('_'))
}

export { field, struct }
