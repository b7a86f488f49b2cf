/** Numeric columns out of the engine as typed arrays. */
import { type Connection, trustedEngine } from '../../engine/index.ts'

/** The columns of a query that gives DOUBLEs, none NULL, in the order of its rows. */
export async function readColumns(sql: string, count: number): Promise<Float64Array[]> {
  return withConnection(async (connection) => {
    const parts: Float64Array[][] = Array.from({ length: count }, () => [])
    for await (const batch of await connection.stream(sql, undefined, { small: true })) {
      for (let i = 0; i < count; i++) {
        const data = batch.getChildAt(i)!.data[0]!
        parts[i]!.push((data.values as Float64Array).subarray(0, data.length))
      }
    }
    return parts.map(concat)
  })
}

/** Runs work on a connection of its own, so that a stream keeps no other from theirs. */
export async function withConnection<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await (await trustedEngine()).connect()
  try {
    return await work(connection)
  } finally {
    await connection.close()
  }
}

/** One array of several. */
export function concat(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Where a value lies in ascending ones, -1 where it does not. */
export function indexOf(ascending: Float64Array, value: number): number {
  let [low, high] = [0, ascending.length - 1]
  while (low <= high) {
    const middle = (low + high) >> 1
    const there = ascending[middle]!
    if (there === value) return middle
    if (there < value) low = middle + 1
    else high = middle - 1
  }
  return -1
}
