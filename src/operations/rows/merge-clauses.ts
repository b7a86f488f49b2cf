/** The clauses of a MERGE: as they are given, and as they are carried out. */
import { SchemaError, UsageError } from '../../errors/index.ts'
import { type MergeSide, mergeAliases } from '../../query/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import type { StructField, StructType } from '../../schema/types.ts'
import { type Assignment, assignmentsOf, refuseCounted, type SetClause } from './assignments.ts'

/** A clause for pairs of rows that fulfil the condition of the join. */
export type MatchedClause = { readonly if?: string | undefined } & ({ readonly update: 'all' | SetClause } | { readonly delete: true })

/** A clause for rows of the source without a partner. */
export interface NotMatchedClause {
  readonly if?: string | undefined
  readonly insert: 'all' | SetClause
}

/** A clause for rows of the table without a partner. */
export type NotMatchedBySourceClause = { readonly if?: string | undefined } & ({ readonly update: SetClause } | { readonly delete: true })

/** What a merge does. In expressions the table is called `target`, and what is merged `source`. */
export interface MergeClauses {
  /** Which rows belong together, such as `target.id = source.id`. */
  readonly on: string
  /** Clauses in the order in which they are tried. `all` assigns to the table's columns those of the source that have their names. */
  readonly whenMatched?: readonly MatchedClause[] | undefined
  readonly whenNotMatched?: readonly NotMatchedClause[] | undefined
  readonly whenNotMatchedBySource?: readonly NotMatchedBySourceClause[] | undefined
}

/** A clause as it is carried out. */
export interface Clause {
  readonly side: MergeSide
  readonly condition: string | undefined
  readonly kind: 'update' | 'delete' | 'insert'
  readonly assignments: readonly Assignment[]
}

/** A clause as it was given. */
export interface GivenClause {
  readonly side: MergeSide
  readonly condition: string | undefined
  readonly kind: Clause['kind']
  readonly set: 'all' | SetClause
}

/** The clauses in the order in which they are tried. @throws UsageError INVALID_ARGUMENT */
export function clausesGiven({ on, whenMatched = [], whenNotMatched = [], whenNotMatchedBySource = [] }: MergeClauses): GivenClause[] {
  const clauses = [
    ...whenMatched.map((clause) => given('matched', clause)),
    ...whenNotMatched.map((clause) => given('not matched', clause)),
    ...whenNotMatchedBySource.map((clause) => given('not matched by source', clause)),
  ]
  if (typeof on !== 'string' || clauses.length === 0) {
    throw new UsageError('INVALID_ARGUMENT', 'A merge needs the condition of its join (on), and a clause that says what to do.', {
      remedy: "Give on: 'target.id = source.id' and one of whenMatched, whenNotMatched and whenNotMatchedBySource.",
    })
  }
  return clauses
}

function given(side: MergeSide, clause: MatchedClause | NotMatchedClause | NotMatchedBySourceClause): GivenClause {
  const kinds = (['update', 'delete', 'insert'] as const).filter((kind) => kind in clause)
  const [kind] = kinds
  const fits = kinds.length === 1 && (kind === 'insert') === (side === 'not matched')
  const set = kind === 'update' || kind === 'insert' ? (clause as Record<typeof kind, 'all' | SetClause>)[kind] : {}
  if (!fits || kind === undefined || (set === 'all' && side === 'not matched by source')) {
    throw new UsageError('INVALID_ARGUMENT', `A clause for rows that are ${side} cannot do that.`, {
      remedy:
        'Rows that match are updated or deleted, rows of the source without a partner inserted, rows of the table without one updated or deleted.',
    })
  }
  return { side, condition: clause.if, kind, set }
}

/** A clause with the columns that it assigns. @throws SchemaError UNKNOWN_COLUMN, also where `all` has no column to assign */
export function resolved({ side, condition, kind, set }: GivenClause, target: StructType, source: StructType): Clause {
  if (kind === 'delete') return { side, condition, kind, assignments: [] }
  const assignments = set === 'all' ? allOf(target, source, kind) : assignmentsOf(set, target)
  if (kind === 'update') refuseCounted(assignments)
  return { side, condition, kind, assignments }
}

/** A row that is there keeps the numbers that the table counted for it. */
function allOf(target: StructType, source: StructType, kind: 'update' | 'insert'): Assignment[] {
  const assignments = target.fields.flatMap((field): Assignment[] => {
    const from = sourceOf(field, source)
    const keeps = kind === 'update' && 'delta.identity.step' in field.metadata
    return from === undefined || keeps ? [] : [{ field, below: [], expression: `${mergeAliases.source}.${quoteIdentifier(from.name)}` }]
  })
  if (assignments.length > 0) return assignments
  throw new SchemaError('UNKNOWN_COLUMN', 'No column of the source has the name of one of the table.', {
    remedy: `Rename the source's columns. Those of the table are: ${target.fields.map(({ name }) => name).join(', ')}.`,
    data: { columns: target.fields.map(({ name }) => name) },
  })
}

function sourceOf(field: StructField, source: StructType): StructField | undefined {
  return (
    source.fields.find(({ name }) => name === field.name) ??
    source.fields.find(({ name }) => name.toLowerCase() === field.name.toLowerCase())
  )
}
