/** What the rest of the house sees of queries. */
export { ChangeFeed } from './changes/change-feed.ts'
export { type AskedRange, type FeedOptions, openFeed } from './changes/parts.ts'
export { earliestCommit, firstWithFeed } from './changes/survey.ts'
export { parseInstant } from './point.ts'
export { QueryResult } from './result.ts'
export { type ScanOptions, scan } from './scan.ts'
export { openSession, Session } from './session.ts'
export type { QueryOptions, QueryTarget, SessionTable } from './target.ts'
