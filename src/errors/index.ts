export * from './storage-errors.ts'
export * from './table-errors.ts'
export { type ErrorData, type ErrorDetails, VarveError } from './varve-error.ts'
