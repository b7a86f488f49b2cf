import type { StructField, StructType } from '../../schema/types.ts'

/** How an input is opened. */
export interface OpenOptions {
  /** The table's schema, where there is a table: types of text formats and of plain objects follow it. */
  readonly tableSchema?: StructType | undefined
  /** Columns that the table lacks are inferred and kept in the source's schema, for whoever widens the table. Default: they are an error. */
  readonly mergeSchema?: boolean | undefined
  /** Columns of the table that are filled in where the input lacks them. Default: none. */
  readonly filled?: ReadonlySet<StructField> | undefined
  /** Of the table's columns, plain objects give those alone that some of them have. Default: all, NULL where they have none. */
  readonly onlyPresent?: boolean | undefined
  /** Hash the files that are read, for the account of the version. Default `false`: their names alone are told. */
  readonly hashInputs?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}
