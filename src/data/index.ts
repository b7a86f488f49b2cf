/** What the rest of the house sees of writing data files. */

export { type ImportedParquet, importParquet } from './import-parquet.ts'
export { type OpenOptions, openSource } from './open-source.ts'
export { type ColumnNaming, columnNaming, fieldId, physicalName } from './physical.ts'
export type * from './source.ts'
export { writeFiles } from './write.ts'
export type { DataFile, WriteTarget } from './write-target.ts'
