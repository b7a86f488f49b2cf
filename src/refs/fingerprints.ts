/** What a version is known by, whatever the machine that it lies on. */

/** Fingerprints of a version in hex; `null` where not computed or not known. */
export interface Fingerprints {
  /** The same `id`: the same history. */
  readonly id: string | null
  /** The same `files`: data files that are the same to the byte. */
  readonly files: string | null
  /** The same `rows`: the same rows in the same columns, in whatever order and files. */
  readonly rows: string | null
}
