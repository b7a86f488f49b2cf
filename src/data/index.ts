/** What the rest of the house sees of writing data files. */

export { importParquet } from './import-parquet.ts'
export type { OpenOptions } from './open-options.ts'
export { openSource } from './open-source.ts'
export { columnNaming, physicalName } from './physical.ts'
export type * from './source.ts'
export { writeFiles } from './write.ts'
export type { DataFile, WriteTarget } from './write-target.ts'
