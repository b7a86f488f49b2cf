/** What the rest of the house sees of queries. */
export { type Point, parseInstant, parsePoint } from './point.ts'
export { QueryResult, type ResultFormat } from './result.ts'
export { type ScanOptions, scan } from './scan.ts'
export { openSession, Session, type SessionOptions } from './session.ts'
export type { QueryOptions, QueryTarget, SessionTable } from './target.ts'
