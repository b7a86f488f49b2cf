/**
 * What a query reads, as the version tells of it: its text, and the local files that it names as constants, in table functions such as
 * `read_csv` or in place of a table. Files that it finds in another way are not told.
 */
import type { Connection } from '../../engine/index.ts'
import { keptText } from '../../log/kept-text.ts'
import { parseJson } from '../../schema/json.ts'
import { type InputStat, statInput } from '../../storage/index.ts'
import { type FileInputs, fileInputs } from './file-inputs.ts'
import type { OpenOptions } from './open-options.ts'

/** So many files of a query are looked up. */
const mostFiles = 10_000

/** Tells what a query reads. `tree`: what DuckDB's `json_serialize_sql` gives of it. */
export async function queryInputs(connection: Connection, query: string, tree: string, options: OpenOptions): Promise<FileInputs> {
  const files = options.hashInputs ? await filesOf(connection, tree) : []
  const { inputs, stop } = fileInputs(
    files,
    files.map(({ path }) => path),
    options,
  )
  return { inputs: async () => [{ query: keptText(query) }, ...(await inputs())], stop }
}

/** Files that cannot be looked up are the query's own matter, which reads them. */
async function filesOf(connection: Connection, tree: string): Promise<InputStat[]> {
  const found = new Map<string, InputStat>()
  try {
    for (const pattern of patternsOf(parseJson(tree))) {
      if (/^[a-z][a-z0-9+.-]+:\/\//i.test(pattern)) continue
      const files = await connection.all('SELECT file FROM glob($pattern) LIMIT $most', { pattern, most: mostFiles })
      for (const { file } of files) {
        const stat = await statInput(String(file))
        if (stat?.kind === 'file') found.set(stat.path, stat)
      }
    }
  } catch {
    return []
  }
  return [...found.values()]
}

type Tree = { readonly [key: string]: unknown }

function* patternsOf(node: unknown): Generator<string> {
  if (typeof node !== 'object' || node === null) return
  if (Array.isArray(node)) {
    for (const each of node) yield* patternsOf(each)
    return
  }
  const { type, table_name: table, function: call } = node as Tree
  if (type === 'BASE_TABLE' && typeof table === 'string' && /\.(parquet|csv|tsv|json|ndjson|jsonl)(\.(gz|zst))?$/i.test(table)) yield table
  if (type === 'TABLE_FUNCTION') {
    const { function_name: name, children } = (call ?? {}) as Tree
    if (/^(read_|parquet_scan$)/i.test(String(name)) && Array.isArray(children)) yield* textsOf(children[0])
  }
  for (const each of Object.values(node)) yield* patternsOf(each)
}

/** The constant texts of an argument: one, or those of a list. */
function* textsOf(node: unknown): Generator<string> {
  if (typeof node !== 'object' || node === null) return
  const { class: kind, value, children } = node as Tree
  if (kind === 'CONSTANT') {
    const text = (value as Tree | null)?.value
    if (typeof text === 'string') yield text
    return
  }
  if (Array.isArray(children)) for (const child of children) yield* textsOf(child)
}
