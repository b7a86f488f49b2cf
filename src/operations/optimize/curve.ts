/**
 * Where rows lie on a curve through the space of some columns, as SQL: neighbours on the curve are neighbours in every column, so that a file
 * of a stretch of it has tight bounds in all of them.
 *
 *   values ─ ranks by quantiles, of equal bits in each column ─ bits interleaved: the place on the z-order curve
 *          ─ for Hilbert, the same digits put in another order by an automaton, so that the curve never jumps
 *
 * Ranks come by binary search over boundaries that stand in variables of the connection. NULL ranks first, NaN last, as DuckDB orders them.
 */
import type { Connection } from '../../engine/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'

/** How rows are laid out. */
export type Curve = 'zorder' | 'hilbert'

/** Columns of a curve at most. */
export const mostColumns = 8

/** Rows whose values the boundaries are taken from. */
const sampledRows = 2 ** 16

/** Bits of a rank at most: more would be finer than the sample. */
const mostBits = 10

/** What a statement calls its parts: names that no column has. */
export interface CurveNames {
  /** The columns of the relation that hold the values. */
  readonly values: readonly string[]
  /** The column that is to hold the place. */
  readonly place: string
  /** Begins the names of all columns and variables in between. */
  readonly prefix: string
}

/** SQL of a relation with the place of each row on the curve, an unsigned integer. The connection's variables are made by {@link setBoundaries}. */
export function placesSql(relation: string, curve: Curve, { values, place, prefix }: CurveNames): string {
  const columns = values.length
  const bits = bitsOf(columns)
  const rank = (i: number) => quoteIdentifier(`${prefix}rank${i}`)
  const all = values.map((_, i) => rank(i))
  let sql = `SELECT *, ${all.map((name) => `0::BIGINT AS ${name}`).join(', ')} FROM ${relation}`
  for (let bit = bits - 1; bit >= 0; bit -= 1) {
    const half = 2 ** bit
    const steps = values.map((value, i) => {
      const boundary = `list_extract(getvariable('${prefix}bounds${i}'), ${rank(i)} + ${half})`
      return `${rank(i)} + CASE WHEN ${quoteIdentifier(value)} > ${boundary} THEN ${half} ELSE 0 END AS ${rank(i)}`
    })
    sql = `SELECT * REPLACE (${steps.join(', ')}) FROM (${sql})`
  }
  const spread = all.map((name, i) => `(list_extract(getvariable('${prefix}spread'), ${name} + 1) << ${columns - 1 - i})`)
  sql = `SELECT * EXCLUDE (${all.join(', ')}), (${spread.join(' | ')}) AS ${quoteIdentifier(place)} FROM (${sql})`
  return curve === 'hilbert' && columns > 1 ? hilbertSql(sql, columns, bits, place, prefix) : sql
}

/** Reads a sample of the columns and keeps what {@link placesSql} needs in variables of the connection, until {@link dropBoundaries}. */
export async function setBoundaries(
  connection: Connection,
  relation: string,
  curve: Curve,
  { values, prefix }: Omit<CurveNames, 'place'>,
  params: Parameters<Connection['run']>[1],
  signal: AbortSignal | undefined,
): Promise<void> {
  const columns = values.length
  const bits = bitsOf(columns)
  const shares = `list_transform(range(1, ${2 ** bits}), lambda k: k / ${2 ** bits}::DOUBLE)`
  const names = values.map(quoteIdentifier)
  const sampled = `(SELECT ${names.join(', ')} FROM ${relation} USING SAMPLE reservoir(${sampledRows} ROWS) REPEATABLE (1))`
  const quantiles = names.map((name, i) => `quantile_disc(${name}, ${shares}) AS b${i}`)
  const table = quoteIdentifier(`${prefix}sample`)
  await connection.run(`CREATE OR REPLACE TEMP TABLE ${table} AS SELECT ${quantiles.join(', ')} FROM ${sampled}`, params, { signal })
  for (const [i] of values.entries()) await connection.run(`SET VARIABLE ${prefix}bounds${i} = (SELECT b${i} FROM ${table})`)
  await connection.run(`DROP TABLE ${table}`)
  await connection.run(`SET VARIABLE ${prefix}spread = ${listOf(spreads(bits, columns))}`)
  if (curve === 'hilbert' && columns > 1) await connection.run(`SET VARIABLE ${prefix}turns = ${listOf(turns(columns))}`)
}

/** Lets go of the variables. */
export async function dropBoundaries(connection: Connection, { values, prefix }: Omit<CurveNames, 'place'>): Promise<void> {
  for (const name of [...values.map((_, i) => `bounds${i}`), 'spread', 'turns']) await connection.run(`RESET VARIABLE ${prefix}${name}`)
}

function bitsOf(columns: number): number {
  return Math.min(mostBits, Math.floor(63 / columns))
}

/** Each number of so many bits with its bits as far apart as there are columns. */
function spreads(bits: number, columns: number): bigint[] {
  return Array.from({ length: 2 ** bits }, (_, number) => {
    let spread = 0n
    for (let bit = 0; bit < bits; bit += 1) if (number & (1 << bit)) spread |= 1n << BigInt(bit * columns)
    return spread
  })
}

/** Reads the digits of the z-order place from the highest on; the automaton's table gives the digit on Hilbert's curve and the next state. */
function hilbertSql(zorder: string, columns: number, bits: number, place: string, prefix: string): string {
  const mask = 2 ** columns - 1
  const [digits, state, turn] = [quoteIdentifier(place), quoteIdentifier(`${prefix}state`), quoteIdentifier(`${prefix}turn`)]
  const done = quoteIdentifier(`${prefix}done`)
  let sql = `SELECT *, 0::UBIGINT AS ${state}, 0::UBIGINT AS ${turn}, 0::UBIGINT AS ${done} FROM (${zorder})`
  for (let level = bits - 1; level >= 0; level -= 1) {
    const digit = `((${digits} >> ${level * columns}) & ${mask})`
    const next = `list_extract(getvariable('${prefix}turns'), (((${state} << ${columns}) | ${digit}) + 1)::BIGINT)`
    sql = `SELECT * REPLACE (${next} AS ${turn}) FROM (${sql})`
    sql = `SELECT * REPLACE ((${done} << ${columns}) | (${turn} & ${mask}) AS ${done}, ${turn} >> ${columns} AS ${state}) FROM (${sql})`
  }
  return `SELECT * EXCLUDE (${digits}, ${state}, ${turn}, ${done}), ${done} AS ${digits} FROM (${sql})`
}

/**
 * Hilbert's curve in so many dimensions as an automaton. A state is the corner at which the curve enters a cell and the direction in which it
 * leaves it; an entry, by state and digit, is the next state above the digit on the curve (Gray codes of the cell's corners, turned and mirrored).
 */
function turns(columns: number): bigint[] {
  const mask = 2 ** columns - 1
  const right = (x: number, by: number) => ((x >>> (by % columns)) | (x << (columns - (by % columns)))) & mask
  const left = (x: number, by: number) => right(x, columns - (by % columns))
  const gray = (x: number) => x ^ (x >>> 1)
  const ungray = (x: number) => {
    let y = x
    for (let shift = 1; shift < columns; shift += 1) y ^= x >>> shift
    return y
  }
  const ones = (x: number) => {
    let count = 0
    for (let rest = x; rest & 1; rest >>>= 1) count += 1
    return count
  }
  const enters = (w: number) => (w === 0 ? 0 : gray(2 * Math.floor((w - 1) / 2)))
  const leaves = (w: number) => (w === 0 ? 0 : ones(w % 2 === 0 ? w - 1 : w) % columns)
  // States are numbered as they are first reached, from the corner 0 on.
  const numbers = new Map<string, number>()
  const states: [corner: number, direction: number][] = []
  const numberOf = (corner: number, direction: number) => {
    const key = `${corner} ${direction}`
    if (!numbers.has(key)) {
      numbers.set(key, states.length)
      states.push([corner, direction])
    }
    return numbers.get(key)!
  }
  numberOf(0, 0)
  const table: bigint[] = []
  for (let state = 0; state < states.length; state += 1) {
    const [corner, direction] = states[state]!
    for (let digit = 0; digit <= mask; digit += 1) {
      const w = ungray(right(digit ^ corner, direction + 1))
      const next = numberOf(corner ^ left(enters(w), direction + 1), (direction + leaves(w) + 1) % columns)
      table.push((BigInt(next) << BigInt(columns)) | BigInt(w))
    }
  }
  return table
}

function listOf(numbers: readonly bigint[]): string {
  return `[${numbers.join(', ')}]::UBIGINT[]`
}
