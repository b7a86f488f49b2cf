/** Two columns of a relation beside the table's: which file a row lies in, by its place among the files, and which row of it it is. */
export interface Positions {
  /** The names of the columns, which are the table's own of no column. */
  readonly file: string
  readonly row: string
}
