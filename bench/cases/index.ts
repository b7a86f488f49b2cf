/** All cases, in the order of the table. */
import type { Case } from '../harness/case.ts'
import { appendParquet, appendParquetMemory, appendSmall } from './append.ts'
import { appendArrow, appendArrowLong, appendArrowMemory } from './append-arrow.ts'
import { appendProvenance } from './append-provenance.ts'
import { nextCheckpoint } from './checkpoint.ts'
import { deletePartition } from './delete-partition.ts'
import { firstQuery } from './first-query.ts'
import { countVersions, logBytes, openVersions } from './log.ts'
import { longevity } from './longevity.ts'
import { mergeMemory } from './merge-memory.ts'
import { appendFolded, clusteredSkips, optimizeSmall } from './optimize.ts'
import { moveMany, pushChange } from './remotes.ts'
import { rowsDelete, rowsMerge, rowsUpdate } from './rows.ts'
import { jumps, longLog, wideCount, wideSelect } from './scale.ts'
import { aggregate, scanOut, scanOutMemory, selective } from './scan.ts'
import { vectorsAll, vectorsTwo } from './vectors.ts'
import { rowsDigest, tagsAmongMany, verifyFiles } from './versions.ts'

/** The cases that `npm run bench` runs. */
export const cases: readonly Case[] = [
  appendSmall,
  appendParquet,
  appendParquetMemory,
  appendArrow,
  appendArrowLong,
  appendArrowMemory,
  appendProvenance,
  scanOut,
  scanOutMemory,
  aggregate,
  selective,
  vectorsAll,
  vectorsTwo,
  openVersions,
  countVersions,
  firstQuery,
  logBytes,
  wideCount,
  wideSelect,
  longLog,
  jumps,
  nextCheckpoint,
  rowsDelete,
  rowsUpdate,
  rowsMerge,
  deletePartition,
  longevity,
  mergeMemory,
  optimizeSmall,
  clusteredSkips,
  appendFolded,
  rowsDigest,
  verifyFiles,
  tagsAmongMany,
  pushChange,
  moveMany,
]
