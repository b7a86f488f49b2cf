import { DataFileError, InputError, QueryError } from '../../errors/index.ts'

/** Names by which users know files that lie elsewhere, by their paths: scratch files of streams and pipes. */
export type FileNames = ReadonlyMap<string, string>

/** What a byte stream is called, as on a command line. */
export const streamName = '-'

/** A failure while the files of an input are read, as the input's: they are no data files of a table. Other failures stay. */
export function inputFailure(failure: unknown, files: readonly string[], names: FileNames = new Map()): unknown {
  if (files.length === 0) return failure
  const nameOf = (path: string) => names.get(path) ?? path
  const shown = (text: string) => [...names].reduce((all, [path, name]) => all.replaceAll(path, name), text)
  if (failure instanceof DataFileError) {
    // The reader of Parquet does not always say which of several files it was.
    const path = failure.data.path === undefined ? files.map(nameOf).join(', ') : nameOf(String(failure.data.path))
    if (failure.code === 'DATA_FILE_MISSING') return inputNotFound(path, failure)
    return inputCorrupt(path, shown(failure.message.replace(/^(The file .*?|A file) cannot be read: /s, '')), failure)
  }
  // DuckDB tells malformed text by many kinds of error; with files alone behind the statement it is theirs.
  if (failure instanceof QueryError && failure.code === 'SQL_ERROR') {
    return inputCorrupt(nameOf(files.find((path) => failure.message.includes(path)) ?? files[0]!), shown(failure.message), failure)
  }
  if (failure instanceof InputError && names.has(String(failure.data.path))) {
    return new InputError(failure.code, shown(failure.message).replace(`The file ${streamName} `, 'The stream '), {
      remedy: failure.remedy,
      data: { ...failure.data, path: nameOf(String(failure.data.path)) },
      cause: failure,
    })
  }
  return failure
}

/** There is no file where the user named one. */
export function inputNotFound(path: string, cause?: unknown): InputError {
  return new InputError('INPUT_NOT_FOUND', `There is no file ${path}.`, { remedy: 'Check the path.', data: { path }, cause })
}

/** A file is not what it should be. */
export function inputCorrupt(path: string, why: string, cause?: unknown): InputError {
  const what = path === streamName ? 'The stream' : `The file ${path}`
  return new InputError('INPUT_CORRUPT', `${what} cannot be read: ${why}`, {
    remedy: 'Check that the file is complete and of the format that was named.',
    data: { path },
    cause,
  })
}
