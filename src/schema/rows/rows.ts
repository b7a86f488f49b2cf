/**
 * Plain JavaScript rows: the convenience above Arrow batches. One form a type, out always and in among others:
 *
 * | type | out | in, besides |
 * |---|---|---|
 * | long | bigint | a safe integer number |
 * | integer, short, byte | number | bigint |
 * | double, float | number | bigint where exact |
 * | decimal | exact text, `'12.30'` | bigint, a number whose printed digits fit |
 * | string | string | |
 * | boolean | boolean | |
 * | binary | Uint8Array | |
 * | date | Date at midnight UTC | `'2020-01-31'`, bigint microseconds |
 * | timestamp, timestamp_ntz | Date, cut down to the millisecond | ISO text, bigint microseconds |
 * | array | Array | typed arrays |
 * | map | Map | an array of pairs; a plain object where keys are strings |
 * | struct | object | |
 * | variant | `{ metadata, value }`, the encoded bytes | |
 *
 * NULL is `null`; `undefined` and a missing property are NULL. A property called `__proto__` is a property like any other. Names of
 * properties find their columns without regard to case, as Delta's names do.
 */

export { batchToRows } from './batch-to-rows.ts'
export { inferSchema } from './infer-schema.ts'
export type { Row } from './row-objects.ts'
export { rowsToBatch } from './rows-to-batch.ts'
