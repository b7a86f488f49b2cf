/**
 * The one place where names and texts become part of SQL. Values are bound as parameters wherever SQL allows it; what cannot be
 * bound (identifiers, paths inside table functions, constants of generated expressions) goes through here.
 */
import { UsageError } from '../errors/index.ts'

/** A name as a quoted SQL identifier, whatever is in it. @throws UsageError `INVALID_ARGUMENT` for a NUL, a lone surrogate or an empty name. */
export function quoteIdentifier(name: string): string {
  if (name === '') throw unquotable('An SQL identifier may not be empty.', name)
  return `"${checked(name, 'identifier').replaceAll('"', '""')}"`
}

/** A text as an SQL string literal, whatever is in it. @throws UsageError `INVALID_ARGUMENT` for a NUL or a lone surrogate. */
export function quoteLiteral(text: string): string {
  return `'${checked(text, 'string').replaceAll("'", "''")}'`
}

/** A text as an SQL expression, with a NUL too, which no literal can hold. @throws UsageError `INVALID_ARGUMENT` for a lone surrogate. */
export function quoteValue(text: string): string {
  return text.includes('\0') ? `(${text.split('\0').map(quoteLiteral).join(' || chr(0) || ')})` : quoteLiteral(text)
}

/** Whether a text can be a name: not empty, no NUL, and valid Unicode (a lone surrogate has no UTF-8 form). */
export function isValidName(name: string): boolean {
  return name !== '' && !name.includes('\0') && !/\p{Surrogate}/u.test(name)
}

function checked(text: string, what: string): string {
  if (text !== '' && !isValidName(text))
    throw unquotable(`An SQL ${what} may hold neither NUL nor half a surrogate pair: ${JSON.stringify(text)}.`, text)
  return text
}

function unquotable(message: string, text: string): UsageError {
  return new UsageError('INVALID_ARGUMENT', message, { remedy: 'Use another name or text.', data: { text } })
}

/**
 * Local paths as an SQL list of literals for a table function that reads files. Characters that DuckDB would expand as a pattern
 * (`*`, `?`, `[`) stand for themselves.
 */
export function quotePaths(paths: readonly string[]): string {
  return `[${paths.map((path) => quoteLiteral(escapePattern(path))).join(', ')}]`
}

/** A path in which the characters of DuckDB's patterns stand for themselves: for a path that is bound as a parameter. */
export function escapePattern(path: string): string {
  return path.replace(/[*?[]/g, '[$&]')
}
