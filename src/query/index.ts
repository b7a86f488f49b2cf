/** What the rest of the house sees of queries. */
export { parseInstant } from './point.ts'
export { QueryResult } from './result.ts'
export { type ScanOptions, scan } from './scan.ts'
export { openSession, Session } from './session.ts'
export type { QueryOptions, QueryTarget, SessionTable } from './target.ts'
