export { commit, commitFirst } from './commit.ts'
export type { Conflict } from './conflict.ts'
export type { Prepared } from './stage.ts'
export { judge, type TransactionId } from './transaction-id.ts'
