/**
 * Identity columns (§Identity Columns): values are counted from the high-water mark in the column's metadata on, which the commit moves
 * to the last one that it used. Two commits that count at the same time both change the metadata, so one of them loses.
 */
import { UnsupportedFeatureError } from '../../errors/index.ts'
import type { StructField, StructType } from '../../schema/types.ts'

/** A column whose values are counted. */
export interface IdentityColumn {
  readonly field: StructField
  /** Whether an input may bring values of its own. */
  readonly allowExplicitInsert: boolean
  readonly step: bigint
  /** The first value that nobody has used. */
  readonly next: bigint
}

/** Reads what a column says of itself. @throws UnsupportedFeatureError UNSUPPORTED_FEATURE where it cannot be counted */
export function readIdentity(field: StructField): IdentityColumn {
  const { metadata } = field
  const step = integer(metadata['delta.identity.step'])
  const start = integer(metadata['delta.identity.start'])
  const mark = metadata['delta.identity.highWaterMark'] == null ? undefined : integer(metadata['delta.identity.highWaterMark'])
  if (
    field.type !== 'long' ||
    start === undefined ||
    step === undefined ||
    step === 0n ||
    (mark === undefined && metadata['delta.identity.highWaterMark'] != null)
  )
    throw new UnsupportedFeatureError('UNSUPPORTED_FEATURE', `The identity column ${JSON.stringify(field.name)} cannot be counted.`, {
      remedy: 'Repair the column with the engine that made it: it needs the type long, a start, and a step that is not zero.',
      data: { feature: 'identityColumns', column: field.name },
    })
  return { field, step, next: following(start, step, mark), allowExplicitInsert: metadata['delta.identity.allowExplicitInsert'] === true }
}

/** A schema whose identity columns have new high-water marks. */
export function withHighWaterMarks(schema: StructType, marks: ReadonlyMap<string, bigint>): StructType {
  const fields = schema.fields.map((field) => {
    const mark = marks.get(field.name)
    return mark === undefined ? field : { ...field, metadata: { ...field.metadata, 'delta.identity.highWaterMark': mark } }
  })
  return { ...schema, fields }
}

/** The first value of the sequence beyond the mark. A mark that others set need not lie on the sequence, nor beyond its start. */
function following(start: bigint, step: bigint, mark: bigint | undefined): bigint {
  if (mark === undefined) return start
  const steps = (mark - start) / step
  if ((mark - start) * step < 0n) return start
  return start + (steps + 1n) * step
}

function integer(value: unknown): bigint | undefined {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : ''
  return /^-?\d+$/.test(text) ? BigInt(text) : undefined
}
