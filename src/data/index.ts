/** What the rest of the house sees of writing data files. */

export { columnNaming, physicalName } from '../schema/physical.ts'
export { planStatistics } from '../schema/statistics-plan.ts'
export { normalise as normaliseRelation } from './input/normalise.ts'
export type { OpenOptions } from './input/open-options.ts'
export { openSource } from './input/open-source.ts'
export type * from './input/source.ts'
export { isTraced, readFrom, type Traced } from './input/traced.ts'
export { type RowRules, rowRules } from './rules/row-rules.ts'
export { declaredType, tableRules } from './rules/table-rules.ts'
export { importParquet } from './write/import-parquet.ts'

export { targetFileSize } from './write/target-file-size.ts'
export { writeFiles } from './write/write.ts'
export type { DataFile, WriteTarget } from './write/write-target.ts'
