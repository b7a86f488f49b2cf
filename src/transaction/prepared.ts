/**
 * A transaction whose data is written and that only has to be put into the log.
 *
 * What was prepared once (data files and their actions) stays as it is. What depends on the version that it lands on is made for each
 * attempt: commit times, the parent's id, row ids (`stage.ts`), and the vectors of files that lose rows (`file-changes.ts`).
 */

import type { Inputs } from '../data/input/source.ts'
import type { Predicate } from '../data/prune/predicate.ts'
import type { ZoneTable } from '../data/prune/prune.ts'
import type { RowSet } from '../data/vectors/row-set.ts'
import type { Action, LiveFile, VarveCommitInfo, VersionInput } from '../log/index.ts'

/** What a version says of itself beside what it changed. */
export interface Account extends Pick<VarveCommitInfo, 'author' | 'git' | 'command' | 'code'> {
  /** Inputs that the caller names, beside those that were read. `undefined`: neither is told. */
  readonly inputs?: readonly VersionInput[] | undefined
}

/** How a transaction may stand among others. `WriteSerializable`: blind appends of others may come between its reading and its writing. */
export type Isolation = 'Serializable' | 'WriteSerializable'

/** Where an attempt lands. */
export interface Landing {
  readonly version: number
  /** The commit's time in milliseconds since the epoch. */
  readonly timestamp: number
}

/** A transaction to be committed. */
export interface Prepared {
  /** As Spark's history names it: `WRITE`, `CREATE TABLE`... */
  readonly operation: string
  /** Strings, lists as JSON text: anything else breaks Spark's DESCRIBE HISTORY. */
  readonly parameters: Readonly<Record<string, string>>
  readonly metrics: Readonly<Record<string, number>>
  /** The metrics, where other commits led to other changes than those that were prepared. Default: the same. */
  readonly measure?: ((changes: FileChanges) => Readonly<Record<string, number>>) | undefined
  /** All actions but commitInfo, the load's own txn, and those of `changes`. A function where they depend on the version. */
  readonly actions: readonly Action[] | ((landing: Landing) => readonly Action[])
  /** Files of the version that was read that lose rows. Default: none. */
  readonly changes?: FileChanges | undefined
  /** The rows that the transaction looked at. Default: none. */
  readonly reads?: Reads | undefined
  /** Whether it may land on no other version than the next after the one that was read. Default `false`. */
  readonly alone?: boolean | undefined
  /** Whether the files that it adds are files of the table already, of which the log is to know more. Default `false`. */
  readonly addsAgain?: boolean | undefined
  /** Whether it looked at no row and takes none away. */
  readonly isBlindAppend: boolean
  /** Default: `WriteSerializable`. */
  readonly isolation?: Isolation | undefined
  /** The version whose rows this one has again, and whether the numbers of loads are set back to that version's. Default: none. */
  readonly restored?: { readonly version: number; readonly resetTxn: boolean } | undefined
  /** Whether it holds only on top of the version that was read, whatever others committed since. Default: `false`. */
  readonly exact?: boolean | undefined
  /** The user's words on this version. */
  readonly message?: string | undefined
  /** Where the rows came from, as the user says. */
  readonly source?: string | undefined
  /** Tells what was read. Default: nothing that is known. */
  readonly inputs?: Inputs | undefined
  /** Who commits, and how, on its way: asked for while rows were written. Default: not known. */
  readonly account?: Promise<Account> | undefined
  /** What foldings of small files tell the next one. */
  readonly tiers?: VarveCommitInfo['tiers'] | undefined
}

/** The rows that a transaction looked at: rows that another one adds among them, or takes from them, may be in its way. */
export interface Reads {
  /** `all` rows, or those that a predicate may be true for; every row where it is `undefined`. */
  readonly rows: 'all' | { readonly predicate: Predicate | undefined; readonly table: ZoneTable }
  /** Whether rows that are gone would have mattered too, other than those that it takes away itself: MERGE inserts what it does not find. */
  readonly deletesMatter: boolean
}

/** Files that lose rows. */
export interface FileChanges {
  readonly files: readonly FileChange[]
  /** Whether rows that another transaction deleted meanwhile may be deleted once more: so it is for DELETE, and not for UPDATE. */
  readonly mayBeGone: boolean
  /** `false`: the rows are moved to other files, as they are. */
  readonly dataChange: boolean
  /** Whether the commit is to repeat nothing of what the files' statistics say of their rows. Default: `false`. */
  readonly withoutStats?: boolean | undefined
}

/** A file that loses rows. */
export interface FileChange {
  /** The file as of the version that was read. Its number of rows is known where only some of them go. */
  readonly file: LiveFile
  /**
   * The physical rows that go, none of them deleted before; `all` that are left; or `replaced`, where those that stay were written into
   * other files.
   */
  readonly rows: RowSet | 'all' | 'replaced'
}
