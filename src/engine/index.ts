/** What the rest of the house sees of DuckDB. */
export type { BatchStream } from './arrow/arrow-out.ts'
export type { Connection } from './connection.ts'
export {
  closedEngine,
  configureEngine,
  type Engine,
  type EngineOptions,
  throwAwayEngine,
  trustedEngine,
} from './engine.ts'
export type { Parameters, Value } from './parameters.ts'
export type { QueryOptions } from './statements.ts'
