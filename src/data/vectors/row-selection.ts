/** Which rows of a data file are meant, where not all of them are. */
import type { RowSet } from './row-set.ts'

/** All rows of a file but some, as a deletion vector leaves them; or just some of them. Rows are counted as they lie in the file. */
export type RowSelection = { readonly allBut: RowSet } | { readonly only: RowSet }
