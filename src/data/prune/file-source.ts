/** A list of files as choosing sees it: in parts that are read on their own. */
import type { FileList, ListInUse } from '../../log/files/file-list.ts'
import { type FileRows, fileColumns, type ListPart } from '../../log/files/file-rows.ts'

/** A list of files: a `FileList`, or any relation with its columns. */
export type FileSource = Pick<FileList, 'connection' | 'relation'> & Partial<Pick<FileList, 'use'>>

const wholes = new WeakMap<FileSource, ListPart>()

/** Runs work on a list while it is kept in memory. */
export function inUse<T>(files: FileSource, work: (list: ListInUse) => Promise<T>): Promise<T> {
  if (files.use) return files.use(work)
  const part = wholes.get(files) ?? wholeOf(files.relation)
  wholes.set(files, part)
  return work({ connection: files.connection, relation: files.relation, parts: [part] })
}

function wholeOf(relation: string): ListPart {
  const rows: FileRows = {
    from: `(SELECT *, row_number() OVER () - 1 AS place FROM ${relation}) WHERE true`,
    place: 'place',
    json: 'stats',
    columns: Object.fromEntries(fileColumns.map((name) => [name, name])) as unknown as FileRows['columns'],
    at: (places) => `place IN (${places.join(', ')})`,
    keep: () => undefined,
  }
  return { rows, where: undefined, live: async () => undefined }
}
