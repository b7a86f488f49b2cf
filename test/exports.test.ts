import { expect, test } from 'vitest'
import * as varve from '../src/index.ts'

test('the public names are these', () => {
  expect(Object.keys(varve).sort()).toMatchInlineSnapshot(`
    [
      "AbortedError",
      "ConflictError",
      "DataFileError",
      "InputError",
      "InvalidRangeError",
      "LogError",
      "ObjectCorruptError",
      "ObjectNotFoundError",
      "PreconditionError",
      "QueryError",
      "RootNotFoundError",
      "SchemaError",
      "StoreCredentialsError",
      "StoreDeniedError",
      "StoreFullError",
      "StoreThrottledError",
      "StoreTimeoutError",
      "StoreUnreachableError",
      "StoreUnsupportedError",
      "Table",
      "TableExistsError",
      "TableNotFoundError",
      "TagExistsError",
      "TransactionOrderError",
      "UnknownOutcomeError",
      "UnsafeStoreError",
      "UnsupportedFeatureError",
      "UsageError",
      "ValueError",
      "VarveError",
      "VersionNotFoundError",
      "configureEngine",
      "localStore",
      "memoryStore",
      "openSession",
      "parseReference",
      "toSqlType",
    ]
  `)
})
