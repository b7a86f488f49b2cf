export { isShallow } from './action-shape.ts'
export * from './actions.ts'
export { hasChangeFeed } from './changes.ts'
export { checkpointDue, withNewestCheckpoint, writeCheckpoint } from './checkpoint/checkpoint.ts'
export { checkpointFiles } from './checkpoint/checkpoint-files.ts'
export { readLastCheckpoint } from './checkpoint/last-checkpoint.ts'
export { thinCheckpoints, thinningDue } from './checkpoint/thinning.ts'
export { writeChecksum } from './checksum.ts'
export { type Commit, chainId, commitInfoOf, gap, parseActions, readCommit, readCommitIfThere } from './commit.ts'
export { dueCompaction, writeCompaction } from './compaction.ts'
export { cutLog, filesBelow, prepareCut } from './cut.ts'
export { DeltaLog, noTable } from './delta-log.ts'
export { type Ender, type Ending, endedBy, endingOf, endingsFolder, newestEndings, readEndings, versionEnded } from './endings.ts'
export { FileList, type LiveFile } from './files/file-list.ts'
export { NamedFiles } from './files/named-files.ts'
export { CommitTimes, isTimedByFile, versionAt } from './history.ts'
export { parseInterval, retentionOf } from './interval.ts'
export { keptCommand, keptText } from './kept-text.ts'
export { listCommits } from './latest.ts'
export { completeVersions, newestComplete, readableRange, readListing } from './listing.ts'
export {
  canonicalPath,
  checkpointKey,
  checksumKey,
  commitKey,
  decodePath,
  encodePath,
  headKey,
  lastCheckpointKey,
  logFolder,
  parseLogName,
} from './paths.ts'
export { activeProperties, checkAlterable, features, hasInCommitTimestamps } from './protocol.ts'
export { type Counts, StateBuilder, type TableState } from './state.ts'
export { schemaOf } from './table-schema.ts'
export { countSpans, isInSpans, joinSpans, spansOf, spansOfText, spansText, type VersionSpan, withoutSpans } from './version-spans.ts'
