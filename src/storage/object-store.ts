/**
 * What a table stands on: immutable objects under keys, created once. The contract is shaped by what S3, GCS and Azure allow, so
 * that a local folder promises no more than they can keep; every kind passes the same suite (test/contract).
 *
 * - `putIfAbsent` never guesses: `exists` only when the object there is not ours, `unknown` when nobody can tell.
 * - A reader never sees half an object, and a local write is on stable storage before its name is there.
 * - Retries live in one layer above all kinds (`withRetries`), so that ambiguity is seen and not hidden by a client.
 */

/** Bytes of an object. */
export type Bytes = Uint8Array

/** A body to store: bytes, or a local file that is handed over (renamed into place, or uploaded and deleted). */
export type Body = Bytes | { readonly path: string; readonly size: number }

/** What a store says of an object. */
export interface Meta {
  readonly size: number
  /** When the object was stored, by the store's own clock. */
  readonly modified: Date
  /** An opaque token that changes with the content; never a digest. */
  readonly etag: string
}

/** One line of a listing: an object (its meta when asked for), or with a delimiter a common prefix (which ends with it and has no meta). */
export interface Entry {
  readonly key: string
  readonly meta?: Meta
}

/** How a conditional create ended. */
export type PutOutcome =
  | { readonly outcome: 'created'; readonly meta: Meta }
  | { readonly outcome: 'exists'; readonly meta?: Meta }
  | { readonly outcome: 'unknown'; readonly cause: unknown }

/** Options of a read. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined
  /** Read only while the object still has this etag. @throws PreconditionError when it has another. */
  readonly ifMatch?: string | undefined
}

/** Options of a write. */
export interface WriteOptions {
  readonly signal?: AbortSignal | undefined
  /** Lower-case hex; the store refuses a body that has another digest (an ObjectCorruptError of a write: nothing was stored). */
  readonly sha256?: string | undefined
  /** `false`: a derived object (a checksum, a hint) that may be lost at a power cut, so it is not synced. Default `true`. */
  readonly durable?: boolean | undefined
  /**
   * Other writes that must have succeeded before this object may be seen. The body is prepared and synced meanwhile; the name
   * appears only when the promise has resolved, so the syncs of a data file and of the commit that names it overlap. When it
   * rejects, nothing is stored and the call rejects with its reason.
   */
  readonly after?: Promise<unknown> | undefined
  /**
   * Called by `putIfAbsent` as soon as the object is there, while it is still being made durable: for what may follow it, such as a
   * derived object in the same folder, whose name then costs no sync of its own. A store may leave the call out.
   */
  readonly onStored?: (() => void) | undefined
}

/** Options of a listing. */
export interface ListOptions {
  /** Only keys behind this one, exclusive. */
  readonly startAfter?: string | undefined
  /** Fold keys that share the part up to the next `/` after the prefix into one entry that ends with it. */
  readonly delimiter?: '/' | undefined
  /** Fill `meta` of every object. Without it a store leaves out what costs extra (a local folder: a stat a name). Default `false`. */
  readonly meta?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/** Local paths of objects that stay valid until released. `paths` is in the order of the keys. */
export interface Pinned {
  readonly paths: readonly string[]
  release(): Promise<void>
}

/** A local folder in which a body is prepared before it is handed over to `put`; `dispose` removes what is left in it. */
export interface Staging {
  readonly folder: string
  dispose(): Promise<void>
}

/** A store of immutable objects under one root. */
export interface ObjectStore {
  /** `local`, `memory`, `s3`... */
  readonly kind: string
  /** The canonical URL without credentials: for messages, cache keys and equality. */
  readonly root: string
  /** Stores of folders outside the root, whose files may be read where a log names them by absolute path. Default: none. */
  readonly allowed?: readonly ObjectStore[] | undefined
  get(key: string, options?: ReadOptions): Promise<{ bytes: Bytes; meta: Meta }>
  /** Exactly the bytes `[start, endExclusive)`. @throws InvalidRangeError */
  getRange(key: string, start: number, endExclusive: number, options?: ReadOptions): Promise<Bytes>
  /** The last `count` bytes, or the whole object if it is shorter. */
  getTail(key: string, count: number, options?: ReadOptions): Promise<Bytes>
  /**
   * Create or replace. Rejects with an AbortedError only when nothing was stored. A body that is a path is gone from there once it
   * is stored, and stays where it was when it is not. Only for names that are unique by construction, and for hints.
   */
  put(key: string, body: Body, options?: WriteOptions): Promise<Meta>
  /**
   * Create, unless the key is taken. Rejects only when nothing was stored; else it is `unknown`. A plain first success is `created`; "there already" after a retry is settled by comparing bytes.
   */
  putIfAbsent(key: string, body: Body, options?: WriteOptions): Promise<PutOutcome>
  /** All keys that start with `prefix`, ascending by their UTF-8 bytes, after `startAfter` (exclusive). */
  list(prefix: string, options?: ListOptions): AsyncIterable<Entry>
  head(key: string, options?: { signal?: AbortSignal | undefined }): Promise<Meta | undefined>
  /** Deleting what is not there is success. */
  delete(keys: readonly string[]): Promise<{ key: string; error?: unknown }[]>
  /** Local paths that the engine may open, until released. @throws ObjectNotFoundError naming the first that is missing. */
  materialise(keys: readonly string[], options?: { signal?: AbortSignal | undefined }): Promise<Pinned>
  /** A fresh local folder for bodies that will be handed over; beside the target where that makes handing over a rename. */
  stage(): Promise<Staging>
}
