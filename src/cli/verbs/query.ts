import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import type { Snapshot, Table } from '../../index.ts'
import { parameters } from '../options/parameters.ts'
import { type AllowPathOption, allowPathOption, hasPoint, openReference, type PointOptions, pointOptions } from '../options/references.ts'
import { type RowsOptions, rowsOptions } from '../options/rows.ts'
import { repeated, wrong } from '../options/values.ts'
import type { Invocation, Verb } from '../verb.ts'

interface QueryOptions extends RowsOptions, PointOptions, AllowPathOption {
  readonly param?: readonly string[]
  readonly allowExternal?: boolean
}

/** `varve query REF... SQL` */
export const verb: Verb = {
  usage: 'REF... SQL [OPTIONS]',
  description: `Runs a SELECT in DuckDB's SQL. Each REF is a table under the last part of its path, or under a name of one's own: o=data/orders@3.
A pin has the name of its table. Inside the SQL a table can be read at another point: FROM events e AT (VERSION => 3), or FROM "events@3".`,
  examples: [
    "varve query events 'SELECT city, count(*) AS n FROM events GROUP BY city ORDER BY n DESC'",
    "varve query events@0 'SELECT * FROM events WHERE id >= $from' --param from=2 --format csv",
    "varve query now=events before=events@0 'SELECT (SELECT count(*) FROM now) - (SELECT count(*) FROM before) AS added'",
    "varve query events 'SELECT * FROM events' --output events.parquet",
  ],
  define(command: Command): void {
    command.argument('<ref...>', 'tables, each as of a version, and last the SQL: one SELECT')
    rowsOptions(command)
      .option('--param <name=value>', 'the value of $name in the SQL: JSON where it is JSON, else text; repeat for more', repeated)
      .option('--allow-external', 'let read_csv, read_parquet and the like open the files they name')
    pointOptions(allowPathOption(command))
  },
  async run(call: Invocation, operands: readonly string[], options: QueryOptions): Promise<void> {
    const sql = operands.at(-1)
    const references = operands.slice(0, -1)
    if (sql === undefined || references.length === 0) throw wrong('The SQL is missing.', "Write varve query REF 'SELECT ...'.")
    const params = parameters(options.param)
    const { openSession } = await import('../../index.ts')
    const tables = await namedTables(references, options, call.signal)
    call.progress.start(() => 'running')
    const session = await openSession(tables, { allowExternal: options.allowExternal === true, allowPaths: options.allowPath })
    try {
      const { writeRows } = await import('../print/rows.ts')
      await writeRows(call, session.query(sql, { params, signal: call.signal }), options)
    } finally {
      await session.close()
    }
  },
}

async function namedTables(
  references: readonly string[],
  options: PointOptions & AllowPathOption,
  signal: AbortSignal,
): Promise<Record<string, Snapshot | Table>> {
  if (hasPoint(options) && references.length > 1)
    throw wrong(
      '--version, --timestamp and --tag are for one table.',
      'With several tables write the point after each reference, as in orders@3.',
    )
  const { parseReference } = await import('../../index.ts')
  const named = references.map((text) => {
    const [, given, rest] = /^([\p{L}_][\p{L}\p{N}_]*)=(.*)$/su.exec(text) ?? []
    return { given, reference: rest ?? text }
  })
  // What can be told without opening anything; the name of a pin's table cannot.
  checkNames(named.map(({ given, reference }) => ({ name: given ?? lastPart(parseReference(reference).path), reference })))
  const opened: { name: string; reference: string; table: Snapshot | Table }[] = []
  for (const { given, reference } of named) {
    const { table, snapshot, isLatest, name } = await openReference(reference, options, signal)
    opened.push({ name: given ?? name, reference, table: isLatest ? table : snapshot })
  }
  checkNames(opened)
  return Object.fromEntries(opened.map(({ name, table }) => [name, table]))
}

function checkNames(tables: readonly { readonly name: string; readonly reference: string }[]): void {
  const seen = new Set<string>()
  for (const { name, reference } of tables) {
    if (seen.has(name)) throw wrong(`Two tables would be called ${name}.`, `Name one of them, as in other=${reference}.`)
    seen.add(name)
  }
}

/** The last part of a path, which is the table's name in SQL. */
function lastPart(path: string): string {
  const last = basename(path)
  return ['', '.', '..'].includes(last) ? basename(resolve(path)) : last
}
