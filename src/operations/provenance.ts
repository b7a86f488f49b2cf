/** What a caller may say of where a version comes from, instead of what would be found out. */
import type { Traced } from '../data/index.ts'
import type { GitState, TableInput } from '../log/index.ts'
import type { Account } from '../transaction/index.ts'

/** A file by its path, which is hashed; or a text. */
export type CodePart = string | { readonly text: string }

/** What a version says of where it comes from. Each part is found out where it is not given, and left out where it is `false`. */
export interface ProvenanceOptions {
  /** Who writes. Default: Git's user in the current folder, else the operating system's. */
  readonly author?: string | false | undefined
  /** The state of the work tree. Default: that of the current folder, as Git tells it. */
  readonly git?: GitState | false | undefined
  /** The command line. Default: that of the process. What looks like a secret is left out of both. */
  readonly command?: string | readonly string[] | false | undefined
  /** The code that made the rows. Default: the script that the process was started with. */
  readonly code?: CodePart | readonly CodePart[] | false | undefined
  /**
   * What the rows were made from, beside what is read by the verb itself: files by path, which are hashed, snapshots, and results of
   * queries that were read. `false`: no input is told, and none hashed.
   */
  readonly inputs?: readonly (string | Traced | TableInput)[] | false | undefined
}

/** What of a verb's options its account is made from. */
export interface AccountOptions {
  /** What the version says of where it comes from. Default: all that can be found out; `false`: nothing. */
  readonly provenance?: ProvenanceOptions | false | undefined
  /** @internal The same, being found out. */
  readonly account?: Promise<Account> | undefined
}

/** Whether the files that a verb reads are to be hashed. */
export function hashesInputs({ provenance, account }: AccountOptions): boolean {
  return account !== undefined && provenance !== false && provenance?.inputs !== false
}
