import { VarveError } from './varve-error.ts'

/** No object under that key. Code: `OBJECT_NOT_FOUND`. */
export class ObjectNotFoundError extends VarveError {}

/** No such bucket or root folder. Code: `ROOT_NOT_FOUND`. */
export class RootNotFoundError extends VarveError {}

/** The store refuses: permissions, a read-only file system. Code: `STORE_DENIED`. */
export class StoreDeniedError extends VarveError {}

/** Credentials are missing, expired or wrong. Code: `STORE_CREDENTIALS`. */
export class StoreCredentialsError extends VarveError {}

/** The store asks to slow down. Code: `STORE_THROTTLED`. */
export class StoreThrottledError extends VarveError {}

/** An `ifMatch` no longer holds. Code: `PRECONDITION_FAILED`. */
export class PreconditionError extends VarveError {}

/** A byte range outside the object. Code: `RANGE_INVALID`. */
export class InvalidRangeError extends VarveError {}

/** The store cannot be reached. Code: `STORE_UNREACHABLE`. */
export class StoreUnreachableError extends VarveError {}

/** The store did not answer in time. Code: `STORE_TIMEOUT`. */
export class StoreTimeoutError extends VarveError {}

/** Bytes are not what they should be: a wrong length or hash. Code: `OBJECT_CORRUPT`. */
export class ObjectCorruptError extends VarveError {}

/** The store cannot promise what a table needs. Code: `STORE_UNSAFE`. */
export class UnsafeStoreError extends VarveError {}

/** The store cannot do what was asked, or the key is not one it can hold. Codes: `STORE_UNSUPPORTED`, `INVALID_KEY`. */
export class StoreUnsupportedError extends VarveError {}

/** No space is left. Code: `STORE_FULL`. */
export class StoreFullError extends VarveError {}
