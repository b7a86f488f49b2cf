import { DataFileError, InputError, QueryError } from '../../errors/index.ts'

/** A failure while the files of an input are read, as the input's: they are no data files of a table. Other failures stay. */
export function inputFailure(failure: unknown, files: readonly string[]): unknown {
  if (files.length === 0) return failure
  if (failure instanceof DataFileError) {
    // The reader of Parquet does not always say which of several files it was.
    const path = failure.data.path === undefined ? files.join(', ') : String(failure.data.path)
    if (failure.code === 'DATA_FILE_MISSING') return inputNotFound(path, failure)
    return inputCorrupt(path, failure.message, failure)
  }
  // DuckDB tells malformed text by many kinds of error; with files alone behind the statement it is theirs.
  if (failure instanceof QueryError && failure.code === 'SQL_ERROR') {
    return inputCorrupt(files.find((path) => failure.message.includes(path)) ?? files[0]!, failure.message, failure)
  }
  return failure
}

/** There is no file where the user named one. */
export function inputNotFound(path: string, cause?: unknown): InputError {
  return new InputError('INPUT_NOT_FOUND', `There is no file ${path}.`, { remedy: 'Check the path.', data: { path }, cause })
}

/** A file is not what it should be. */
export function inputCorrupt(path: string, why: string, cause?: unknown): InputError {
  return new InputError('INPUT_CORRUPT', `The file ${path} cannot be read: ${why}`, {
    remedy: 'Check that the file is complete and of the format that was named.',
    data: { path },
    cause,
  })
}
