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

/** What only Varve records of a commit. */
export interface VarveCommitInfo {
  /** The id of the version before: SHA-256 chain, `null` where the chain starts here. */
  readonly parent: string | null
  /** Where the rows came from, as the user says. */
  readonly source?: string
  /** The files or queries that were read. */
  readonly inputs?: readonly string[]
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
