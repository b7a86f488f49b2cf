/**
 * Every failure that reaches a user is a `VarveError`: a stable code to branch on, a message that says what happened to which
 * file or version, the remedy, and structured data. One subclass for each distinct reaction of the user; the code tells the cases
 * of one reaction apart.
 */

/** Facts about a failure, for programs: paths, versions, column names. Values are JSON-safe. */
export type ErrorData = Readonly<Record<string, string | number | boolean | null | readonly (string | number)[]>>

/** What a {@link VarveError} is made from. */
export interface ErrorDetails {
  /** What the user can do about it, as one sentence. */
  readonly remedy: string
  /** Facts for programs. Default: none. */
  readonly data?: ErrorData
  /** The failure underneath, where there is one. */
  readonly cause?: unknown
}

/** The base of every error that Varve throws. */
export class VarveError extends Error {
  /** A stable, upper-case name of the case, such as `VERSION_NOT_FOUND`. */
  readonly code: string
  /** What the user can do about it. */
  readonly remedy: string
  /** Facts for programs. */
  readonly data: ErrorData

  constructor(code: string, message: string, details: ErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = code
    this.remedy = details.remedy
    this.data = details.data ?? {}
  }

  /** The form that `--json` prints. */
  toJSON(): { code: string; message: string; remedy: string; data: ErrorData } {
    return { code: this.code, message: this.message, remedy: this.remedy, data: this.data }
  }
}
