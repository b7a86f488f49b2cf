/**
 * SQL text to tree and back, through DuckDB's own parser. Text goes in as a bound value and is only parsed;
 * what comes back is one SELECT. Integers keep all 64 bits. EXPLAIN, which cannot be serialised, is taken off first.
 */
import { LosslessNumber } from 'lossless-json'
import { type Connection, type Engine, trustedEngine } from '../../engine/index.ts'
import { QueryError } from '../../errors/index.ts'
import { parseJson, stringifyJson } from '../../schema/json.ts'
import { isNode, type Node, nodesOf, textOf } from './ast.ts'

/** A parsed query. */
export interface ParsedQuery {
  /** The one statement: `{ node, named_param_map }`. */
  readonly statement: Node
  /** What stood before the SELECT: `EXPLAIN`, `EXPLAIN ANALYZE`, or nothing. */
  readonly explain: string
}

/**
 * Parses one SELECT.
 * @throws QueryError SQL_ERROR for a syntax error, SQL_NOT_READ_ONLY for a statement that is no query, SQL_REFUSED for several
 * statements and for what DuckDB cannot serialise
 */
export async function parseQuery(connection: Connection, sql: string, signal?: AbortSignal): Promise<ParsedQuery> {
  // DuckDB's parser would end there, in silence.
  if (sql.includes('\0')) throw refused('SQL_ERROR', 'The SQL holds a NUL character.', 'Take it out, or bind it in a parameter.')
  const { explain, rest } = takeExplain(sql)
  const [row] = await connection.all('SELECT json_serialize_sql($1::VARCHAR) AS tree', [rest], { signal, kept: true })
  const tree = treeOf(row?.tree)
  if (!isNode(tree) || tree.error !== false) throw parseFailure(sql, sql.length - rest.length, isNode(tree) ? tree : {})
  const statements = nodesOf(tree.statements)
  if (statements.length === 0) throw refused('SQL_ERROR', 'There is no statement.', 'Write a SELECT.')
  if (statements.length > 1) throw refused('SQL_REFUSED', 'There are several statements.', 'Send one SELECT at a time.')
  return { statement: statements[0]!, explain }
}

/** DuckDB writes a number beyond what a DOUBLE holds as no JSON has it. */
function treeOf(text: unknown): unknown {
  try {
    return parseJson(textOf(text))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    throw refused('SQL_REFUSED', 'The SQL has a number that is too large for a DOUBLE.', "Write 'Infinity'::DOUBLE where it is meant.")
  }
}

/** Writes a tree as SQL text, and the tree that this text parses to again, so that what runs can be checked as what was asked was. */
export async function writeQuery(connection: Connection, statement: Node, signal?: AbortSignal): Promise<{ sql: string; statement: Node }> {
  const [row] = await connection.all(
    'SELECT sql, json_serialize_sql(sql) AS tree FROM (SELECT json_deserialize_sql($1::JSON) AS sql)',
    [stringifyJson({ error: false, statements: [withDoubles(statement)] })],
    { signal, kept: true },
  )
  const tree = parseJson(textOf(row?.tree))
  const statements = isNode(tree) && tree.error === false ? nodesOf(tree.statements) : []
  if (statements.length !== 1) {
    throw refused('SQL_REFUSED', 'DuckDB cannot write this query down again after reading it.', 'Write the query in a plainer way.')
  }
  return { sql: textOf(row?.sql), statement: statements[0]! }
}

/** The tree with floating constants that are whole numbers marked as such: DuckDB takes `1` for no double. */
function withDoubles(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDoubles)
  if (!isNode(value)) return value
  const copy = Object.fromEntries(Object.entries(value).map(([name, field]) => [name, withDoubles(field)]))
  const floating = isNode(value.type) && (value.type.id === 'DOUBLE' || value.type.id === 'FLOAT')
  const constant = value.value
  if (floating && (typeof constant === 'bigint' || Number.isInteger(constant))) {
    const text = Object.is(constant, -0) ? '-0' : String(constant)
    copy.value = new LosslessNumber(text.includes('e') ? text : `${text}.0`)
  }
  return copy
}

let parser: { readonly engine: Engine; readonly connection: Promise<Connection> } | undefined

/** Runs work on the connection that parses: in the trusted instance, which knows no file of its own accord when it parses. */
export async function withParser<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const engine = await trustedEngine()
  if (parser?.engine !== engine) parser = { engine, connection: engine.connect() }
  return work(await parser.connection)
}

const blank = String.raw`(?:\s|--[^\n]*(?:\n|$)|/\*[\s\S]*?\*/)`
const explainPrefix = new RegExp(
  `^${blank}*explain${blank}+(?:(analy[sz]e)${blank}+)?(?!\\(${blank}*(?:format|analy[sz]e)\\b)(?=[\\s\\S]*\\S)`,
  'i',
)
const firstWord = new RegExp(`^(?:${blank}|\\()*([a-z_]+)`, 'i')

function takeExplain(sql: string): { explain: string; rest: string } {
  const match = explainPrefix.exec(sql)
  if (match === null) return { explain: '', rest: sql }
  return { explain: match[1] === undefined ? 'EXPLAIN ' : 'EXPLAIN ANALYZE ', rest: sql.slice(match[0].length) }
}

/** Statements that read and yet are no SELECT to DuckDB's parser. */
const unserialisable: Readonly<Record<string, string>> = {
  pivot: 'PIVOT without an IN list is several statements to DuckDB. Name the values: PIVOT t ON column IN (...)',
  pivot_wider: 'PIVOT_WIDER without an IN list is several statements to DuckDB. Name the values: PIVOT t ON column IN (...)',
  explain: 'EXPLAIN with options is not supported. Write EXPLAIN or EXPLAIN ANALYZE',
}

function parseFailure(sql: string, skipped: number, tree: Node): QueryError {
  const message = textOf(tree.error_message)
  if (tree.error_type !== 'not implemented') {
    const position = Number(tree.position)
    const data = Number.isFinite(position) ? placeOf(sql, Buffer.byteLength(sql.slice(0, skipped)) + position) : {}
    return new QueryError('SQL_ERROR', `Parser error: ${message}`, { remedy: 'Correct the SQL.', data })
  }
  const word = (firstWord.exec(sql.slice(skipped))?.[1] ?? '').toLowerCase()
  if (!/^Only SELECT statements/.test(message)) {
    return refused('SQL_REFUSED', `DuckDB cannot take this query apart: ${message}.`, 'Write the query in a plainer way.')
  }
  const reads = unserialisable[word]
  if (reads !== undefined) return refused('SQL_REFUSED', `${reads}.`, 'Write the query so.')
  return new QueryError(
    'SQL_NOT_READ_ONLY',
    `${word === '' ? 'The statement' : word.toUpperCase()} is not a query: only SELECT may be run here.`,
    {
      remedy: 'Ask with SELECT; the verbs of the library and the command line write.',
      data: { statement: word },
    },
  )
}

function refused(code: 'SQL_ERROR' | 'SQL_REFUSED', message: string, remedy: string): QueryError {
  return new QueryError(code, message, { remedy })
}

/** Line and column (from 1) of a byte offset. */
function placeOf(sql: string, offset: number): { line: number; column: number } {
  const before = Buffer.from(sql).subarray(0, offset).toString()
  const line = before.split('\n').length
  return { line, column: before.length - before.lastIndexOf('\n') }
}
