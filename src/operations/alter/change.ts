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
  /** Properties of the table. Those that switch a feature on bring the feature. */
  | { readonly set: Readonly<Record<string, string>> }
  /** Takes properties away, where they are there. */
  | { readonly unset: string | readonly string[] }
