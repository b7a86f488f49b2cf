import { VarveError } from './varve-error.ts'

/**
 * The call itself is wrong: an argument, an option, a reference that cannot be read. Codes: `INVALID_ARGUMENT`,
 * `INVALID_REFERENCE`, `INVALID_TIMESTAMP`, `INVALID_SCHEMA`, `INVALID_PROPERTY`, `COLUMN_IN_USE`,
 * `DUPLICATE_CONSTRAINT`, `UNKNOWN_CONSTRAINT`, `NO_ROW_TRACKING`, `NESTED_TRANSACTION`, `TRANSACTION_OVER`, `KEY_NOT_UNIQUE`,
 * `RUN_NOT_FOUND`, `RUN_AMBIGUOUS`, `RUN_ENDED`, `NO_POLICY`, `ARCHIVE_UNFIT`.
 */
export class UsageError extends VarveError {}

/** There is no table where one is named, or another than the one that was opened. Codes: `TABLE_NOT_FOUND`, `TABLE_REPLACED`. */
export class TableNotFoundError extends VarveError {}

/** There is a table, or something else, where one should be created. Codes: `TABLE_EXISTS`, `NOT_A_FOLDER`. */
export class TableExistsError extends VarveError {}

/** A tag of that name is there already, in the table or in Git. Code: `TAG_EXISTS`. */
export class TagExistsError extends VarveError {}

/**
 * A version, timestamp or tag outside what is readable; the data states the range. Codes: `VERSION_NOT_FOUND`, `TAG_NOT_FOUND`, `VERSION_ENDED`
 * (let go by the retention policy or erased; where it was archived, the data says where).
 */
export class VersionNotFoundError extends VarveError {}

/**
 * A pin cannot be used: there is none, its text is no pin, its data is not here, or its table lies where it may not be put. Codes: `PIN_NOT_FOUND`,
 * `PIN_INVALID`, `PIN_CONFLICTED`, `PIN_FORMAT_UNKNOWN`, `PIN_NOT_PULLED`, `PIN_OUTSIDE_PROJECT`.
 */
export class PinError extends VarveError {}

/** The version in the table is another than the one that was pinned. Code: `PIN_DIFFERS`. */
export class PinDiffersError extends VarveError {}

/** The table needs what Varve does not know, or lacks what was asked of it; the feature is named. Codes: `UNSUPPORTED_FEATURE`, `UNSUPPORTED_EXPRESSION`, `CHANGE_FEED_OFF`. */
export class UnsupportedFeatureError extends VarveError {}

/**
 * The log contradicts the protocol, or a record of ours is damaged. Codes: `LOG_CORRUPT`, `LOG_GAP`, `LOG_INCOMPLETE`, `BOOKMARK_CORRUPT`,
 * `HOLD_CORRUPT`, `RECORD_CORRUPT`, `HELD_VERSION_MISSING`, `CHECKPOINT_UNFIT`.
 */
export class LogError extends VarveError {}

/**
 * A data file that a version names is missing or damaged, or could not be looked at. Codes: `DATA_FILE_MISSING`, `DATA_FILE_CORRUPT`,
 * `DATA_FILE_DIFFERS`, `VECTOR_CORRUPT`, `PATH_OUTSIDE_ROOT`, `PATH_RESERVED`, `DATA_NOT_VERIFIED`.
 */
export class DataFileError extends VarveError {}

/** What was checked is not what was written, so what asked for the check was not begun. Code: `DATA_DIFFERS`. */
export class VerificationError extends VarveError {}

/**
 * Rows do not fit the table's columns. Codes: `UNKNOWN_COLUMN`, `MISSING_COLUMN`, `TYPE_MISMATCH`, `UNSUPPORTED_TYPE`,
 * `DUPLICATE_COLUMN`, `NO_COLUMNS`, `RESERVED_COLUMN`, `SCHEMA_CHANGED`, `IDENTITY_VALUE_GIVEN`, `NOT_NULL_VIOLATED` (rows that are there are against a new rule).
 */
export class SchemaError extends VarveError {}

/**
 * A value does not fit its column, or a row breaks a rule of the table. Codes: `VALUE_OUT_OF_RANGE`, `INVALID_VALUE`, `NOT_NULL_VIOLATED`,
 * `CONSTRAINT_VIOLATED`, `INVARIANT_VIOLATED`, `GENERATED_VALUE_MISMATCH`, `EXPRESSION_FAILED`, `IDENTITY_OVERFLOW`,
 * `MERGE_AMBIGUOUS`, `PREDICATE_NOT_FULFILLED`.
 */
export class ValueError extends VarveError {}

/** Input that cannot be read as what it should be. Codes: `INPUT_NOT_FOUND`, `INPUT_CORRUPT`, `INPUT_FORMAT_UNKNOWN`, `INPUT_IS_TABLE`. */
export class InputError extends VarveError {}

/** SQL that is wrong or not allowed here. Codes: `SQL_ERROR`, `SQL_NOT_READ_ONLY`, `SQL_REFUSED`, `SQL_UNKNOWN_TABLE`, `OUT_OF_MEMORY`. */
export class QueryError extends VarveError {}

/**
 * Lost to a concurrent change; running it again helps. Codes: `METADATA_CHANGED`, `PROTOCOL_CHANGED`, `DOMAIN_CHANGED`,
 * `CONCURRENT_APPEND`, `CONCURRENT_DELETE_READ`, `CONCURRENT_DELETE_DELETE`, `TABLE_CREATED_CONCURRENTLY`, `BOOKMARK_MOVED`, `TAG_MOVED`, `REMOTE_MOVED`,
 * `HELD_MEANWHILE`, `ENDINGS_CHANGED`.
 */
export class ConflictError extends VarveError {}

/**
 * A table and its remote do not fit, or there is no such remote. Codes: `NO_REMOTE`, `REMOTE_NOT_FOUND`, `REMOTE_EXISTS`, `REMOTE_IS_TABLE`, `REMOTE_EMPTY`;
 * `REMOTE_DIVERGED`, `REMOTE_AHEAD`, `REMOTE_DIFFERS`, `REMOTE_TAG_DIVERGED`, `REMOTE_HISTORY_GONE` for histories that cannot be made one by adding commits.
 */
export class RemoteError extends VarveError {}

/** It could not be found out whether the commit, or the record, is there. Codes: `COMMIT_UNKNOWN`, `BOOKMARK_UNKNOWN`, `RECORD_UNKNOWN`. */
export class UnknownOutcomeError extends VarveError {}

/** A load of an application that is older than its latest, and was never applied. Code: `TXN_OUT_OF_ORDER`. */
export class TransactionOrderError extends VarveError {}

/** The caller's signal was aborted before anything was written. Code: `ABORTED`. */
export class AbortedError extends VarveError {
  constructor(what: string, cause?: unknown) {
    super('ABORTED', `${what} was aborted.`, { remedy: 'Run it again when you want its result.', cause })
  }
}
