/** What an alter can ask for: one object a change, whose only key says which. */
import type { ColumnPath } from '../../schema/evolve/column-path.ts'
import type { DataType } from '../../schema/types.ts'

/**
 * A column: its name, or the names on the way to a nested one with dots between (`address.zip`, `tags.element.label`, `prices.value`), a name
 * that holds a dot in double quotes; or those names as a list.
 */
export type ColumnName = string | ColumnPath

/** Where among its siblings a column stands; at their end where neither is given. */
export interface PlaceOptions {
  readonly first?: boolean | undefined
  /** The column before it. */
  readonly after?: string | undefined
}

/** How an identity column counts. */
export interface IdentityOptions {
  readonly name: ColumnName
  readonly start?: number | undefined
  readonly step?: number | undefined
  /** Whether rows may bring values of their own. Default `false`. */
  readonly allowExplicitInsert?: boolean | undefined
}

/** One change of a table, by {@link Table.alter}. */
export type TableChange =
  /** A new column, nullable; rows that are there have NULL in it. The type is Delta's, or text in DuckDB's words. */
  | { readonly add: PlaceOptions & { readonly name: ColumnName; readonly type: DataType | string; readonly comment?: string | undefined } }
  /** Another name for a column; turns column mapping on. */
  | { readonly rename: { readonly name: ColumnName; readonly to: string } }
  /** Takes a column away; turns column mapping on. Its values stay in the data files of older versions. */
  | { readonly drop: ColumnName }
  /** A wider type for a column (§Type Widening). */
  | { readonly widen: { readonly name: ColumnName; readonly type: DataType | string } }
  /** Lets NULL into a column. */
  | { readonly nullable: ColumnName }
  /** Keeps NULL out of a column; rows that are there are checked. */
  | { readonly notNull: ColumnName }
  /** Words on a column; empty ones take them away. */
  | { readonly comment: { readonly name: ColumnName; readonly text: string } }
  /** Another place for a column among its siblings. */
  | { readonly move: PlaceOptions & { readonly name: ColumnName } }
  /** A CHECK constraint: a condition that every row fulfils, those that are there too. NULL is no fulfilment. */
  | { readonly addConstraint: { readonly name: string; readonly expression: string } }
  /** Drops a CHECK constraint by its name. */
  | { readonly dropConstraint: string }
  /** What a column holds where a row does not say; without an expression, NULL again. Rows that are there stay as they are. */
  | { readonly default: { readonly name: ColumnName; readonly expression?: string | null | undefined } }
  /** A column, new or there already, that is made from others. Rows that are there must have its values. */
  | { readonly generated: { readonly name: ColumnName; readonly type: DataType | string; readonly expression: string } }
  /** A BIGINT column, new or there already, that counts: from `start` (default 1) by `step` (default 1), behind the values that are there. */
  | { readonly identity: ColumnName | IdentityOptions }
  /** Properties of the table. Those that switch a feature on bring the feature. */
  | { readonly set: Readonly<Record<string, string>> }
  /** Takes properties away, where they are there. */
  | { readonly unset: string | readonly string[] }

/** What the change called `Kind` is asked with. */
export type Asked<Kind extends string> = TableChange extends infer Change
  ? Change extends Readonly<Record<Kind, infer Value>>
    ? Value
    : never
  : never
