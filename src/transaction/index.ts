export { commit, commitFirst } from './commit.ts'
export type { Conflict } from './conflict.ts'
export type { FileChange, Isolation, Landing, Prepared, Reads } from './prepared.ts'
export { judge, type TransactionId } from './transaction-id.ts'
