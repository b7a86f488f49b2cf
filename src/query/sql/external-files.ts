/** Files outside the tables that a query may name where its session allows it. */
import { QueryError } from '../../errors/index.ts'
import { statInput } from '../../storage/index.ts'
import type { EvaluatedConstant } from './constants.ts'

/** The local files that a table function names, as absolute paths. @throws QueryError SQL_REFUSED for URLs and patterns, SQL_ERROR where a file is missing */
export async function externalFiles(functionName: string, named: EvaluatedConstant | undefined): Promise<string[]> {
  const texts = named?.texts ?? (named?.type === 'VARCHAR' && named.text !== null ? [named.text] : [])
  if (texts.length === 0)
    throw new QueryError('SQL_REFUSED', `${functionName} takes the path of a file, or a list of such.`, { remedy: 'Name the files.' })
  return Promise.all(
    texts.map(async (text) => {
      if (/^[a-z][a-z0-9+.-]*:/i.test(text)) {
        throw new QueryError('SQL_REFUSED', `${text} is no local path.`, {
          remedy: 'Fetch it first, and name the local file.',
          data: { path: text },
        })
      }
      const found = await statInput(text)
      // A query opens what it reads more than once, and waits for the writer of a pipe for ever.
      if (found === undefined || found.kind === 'folder' || found.once) {
        const why = found === undefined ? `There is no file ${text}.` : `${text} is ${found.once ? 'a pipe or a device' : 'a folder'}.`
        throw new QueryError('SQL_ERROR', why, {
          remedy: 'Name each file by its path, without * or ?.',
          data: { path: text },
        })
      }
      return found.path
    }),
  )
}
