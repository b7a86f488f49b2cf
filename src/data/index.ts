/** What the rest of the house sees of writing data files. */

export type { OpenOptions } from './input/open-options.ts'
export { openSource } from './input/open-source.ts'
export type * from './input/source.ts'
export { columnNaming, physicalName } from './physical.ts'
export { importParquet } from './write/import-parquet.ts'
export { writeFiles } from './write/write.ts'
export type { DataFile, WriteTarget } from './write/write-target.ts'
