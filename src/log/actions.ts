/**
 * The actions of a commit, in the protocol's own words (§Actions). A commit is newline-delimited JSON, one action a line; each line
 * is an object with one key that names the action. Unknown actions and unknown fields are kept on the way through and otherwise
 * ignored (§Protocol Evolution).
 *
 * Numbers: integers are JavaScript numbers up to 2^53 - 1 and bigints above, decided where the text is parsed (`schema/json.ts`).
 */

/** §Change Metadata. */
export interface Metadata {
  readonly id: string
  readonly name?: string | null
  readonly description?: string | null
  readonly format: { readonly provider: string; readonly options?: Readonly<Record<string, string>> }
  /** Missing where a first commit did not know the columns yet. */
  readonly schemaString?: string | null
  readonly partitionColumns: readonly string[]
  readonly createdTime?: number | null
  readonly configuration: Readonly<Record<string, string>>
}

/** §Protocol Evolution. */
export interface Protocol {
  readonly minReaderVersion: number
  readonly minWriterVersion: number
  readonly readerFeatures?: readonly string[] | null
  readonly writerFeatures?: readonly string[] | null
}

/** §Deletion Vectors, the descriptor. */
export interface DeletionVectorDescriptor {
  readonly storageType: 'u' | 'i' | 'p'
  readonly pathOrInlineDv: string
  readonly offset?: number | null
  readonly sizeInBytes: number
  readonly cardinality: number | bigint
}

/** §Add File. `path` is as the log spells it: URI-encoded. */
export interface Add {
  readonly path: string
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly size: number
  readonly modificationTime: number
  readonly dataChange: boolean
  readonly stats?: string | null
  readonly tags?: Readonly<Record<string, string | null>> | null
  readonly deletionVector?: DeletionVectorDescriptor | null
  readonly baseRowId?: number | bigint | null
  readonly defaultRowCommitVersion?: number | bigint | null
  readonly clusteringProvider?: string | null
}

/** §Remove File. */
export interface Remove {
  readonly path: string
  readonly deletionTimestamp?: number | null
  readonly dataChange: boolean
  readonly extendedFileMetadata?: boolean | null
  readonly partitionValues?: Readonly<Record<string, string | null>> | null
  readonly size?: number | null
  readonly stats?: string | null
  readonly tags?: Readonly<Record<string, string | null>> | null
  readonly deletionVector?: DeletionVectorDescriptor | null
  readonly baseRowId?: number | bigint | null
  readonly defaultRowCommitVersion?: number | bigint | null
}

/** §Add CDC File. */
export interface Cdc {
  readonly path: string
  readonly partitionValues: Readonly<Record<string, string | null>>
  readonly size: number
  readonly dataChange: false
  readonly tags?: Readonly<Record<string, string | null>> | null
}

/** §Transaction Identifiers. */
export interface Txn {
  readonly appId: string
  readonly version: number | bigint
  readonly lastUpdated?: number | null
}

/** §Domain Metadata. */
export interface DomainMetadata {
  readonly domain: string
  readonly configuration: string
  readonly removed: boolean
}

/** §Commit Provenance Information, with the one key of our own. Strings wherever Spark's history wants strings. */
export interface CommitInfo {
  readonly timestamp?: number
  readonly inCommitTimestamp?: number
  readonly operation?: string
  readonly operationParameters?: Readonly<Record<string, string>>
  readonly operationMetrics?: Readonly<Record<string, string>>
  readonly engineInfo?: string
  readonly txnId?: string
  readonly userMetadata?: string
  readonly readVersion?: number
  readonly isolationLevel?: string
  readonly isBlindAppend?: boolean
  readonly varve?: VarveCommitInfo
  readonly [other: string]: unknown
}

/** A small file, and how often its rows were folded. Its other fields are those of its `add`. */
export interface TieredFile extends Pick<Add, 'path' | 'size' | 'partitionValues' | 'modificationTime'> {
  readonly tier: number
  readonly rows: number
}

/** Something that a version was made from. */
export type VersionInput =
  /** A file, by the name that it was given under; `-` is a stream. What could not be found out is left out. */
  | { readonly file: string; readonly bytes?: number; readonly sha256?: string }
  /** A version of a table, or with `from` what changed from that version to this one. */
  | TableInput
  /** A query in the user's own words. */
  | { readonly query: string }

/** A version of a table that another one was made from. */
export interface TableInput {
  /** The table's root, as a URL. */
  readonly table: string
  /** The way there from the root of the table that was written, where both lie in folders. */
  readonly path?: string
  readonly version: number
  /** The first version whose changes were read, where no more was. */
  readonly from?: number
  /** The version's id; `null` where it was not known. */
  readonly id: string | null
}

/** Where the work tree was that a version was written from. */
export interface GitState {
  readonly commit: string
  /** Left out where no branch is checked out. */
  readonly branch?: string
  /** Whether files that Git knows were changed. */
  readonly dirty: boolean
}

/** Code that made a version: a file by its name, or a text of the caller's. */
export interface CodeHash {
  readonly file?: string
  readonly sha256: string
}

/** What a commit changed; `null` where it is not known. */
export interface ChangedAmount {
  readonly rows: { readonly added: number | null; readonly removed: number | null; readonly updated: number | null }
  /** Of data files. */
  readonly bytes: { readonly added: number | null; readonly removed: number | null }
}

/** What only Varve records of a commit. */
export interface VarveCommitInfo {
  /** The id of the version before: SHA-256 chain, `null` where the chain starts here. */
  readonly parent: string | null
  /** Who wrote it. */
  readonly author?: string
  /** Where the rows came from, as the user says. */
  readonly source?: string
  /** What was read for it. A text is the name of a file, or a query. */
  readonly inputs?: readonly (VersionInput | string)[]
  readonly git?: GitState
  /** The command line of the process, without what looks like a secret. */
  readonly command?: readonly string[]
  readonly code?: readonly CodeHash[]
  readonly changed?: ChangedAmount
  /** The files that are added were there before, so that counts stay. */
  readonly addsAgain?: boolean
  /** The small files that later foldings of small files may fold further, as of the version `at` that the commit was prepared for. */
  readonly tiers?: { readonly at: number; readonly files: readonly TieredFile[] }
  /** The number that a load out of order carried, when the protocol's `txn` keeps a higher one. */
  readonly txn?: { readonly appId: string; readonly version: number | bigint }
  /** The version that was restored. With `resetTxn` the commit's `txn` actions are that version's numbers, and loads since do not count. */
  readonly restored?: { readonly version: number | bigint; readonly resetTxn: boolean }
}

/** One action, as a line holds it. */
export type Action =
  | { readonly add: Add }
  | { readonly remove: Remove }
  | { readonly cdc: Cdc }
  | { readonly metaData: Metadata }
  | { readonly protocol: Protocol }
  | { readonly txn: Txn }
  | { readonly domainMetadata: DomainMetadata }
  | { readonly commitInfo: CommitInfo }
