/** The promise of an overwrite by predicate: every row that comes fulfils it, so that writing the same once more replaces the same. */
import type { DataFile } from '../../data/index.ts'
import type { Parameters } from '../../engine/index.ts'
import { ValueError } from '../../errors/index.ts'
import { type QueryTarget, RowStatement, withWrittenFiles } from '../../query/index.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import type { VerbGround } from './verb.ts'

/** So many characters of a row are shown. */
const shownCharacters = 300

/**
 * Checks new files. Those that their statistics and partition values prove are not opened.
 * @throws ValueError PREDICATE_NOT_FULFILLED with the first such row
 */
export async function checkNewRows(
  { name, self }: VerbGround,
  table: QueryTarget,
  files: readonly DataFile[],
  where: string,
  { params, signal }: { readonly params?: Parameters | undefined; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  if (files.length === 0) return
  await withWrittenFiles(table, files, async (target) => {
    const options = { target, alias: name, others: [self], params, signal }
    const proven = await RowStatement.prepare(
      async ({ expression, table: from, file, row, select }) => select([file, row], from, await expression(where, 'The predicate')),
      { ...options, takeWholeFiles: true },
    )
    await proven.release()
    if (proven.wholeFiles.size === files.length) return
    const row = `struct_pack(${table.schema.fields.map(({ name: field }) => `${quoteIdentifier(field)} := ${quoteIdentifier(field)}`).join(', ')})`
    const failing = await RowStatement.prepare(
      async ({ expression, table: from, select }) =>
        select(
          [await expression(`to_json(${row})::VARCHAR`, 'The row')],
          from,
          await expression(`NOT coalesce((\n${where}\n)::BOOLEAN, false)`, 'The predicate'),
        ),
      options,
    )
    try {
      const [found] = await failing.run((sql, values) =>
        failing.connection.all(`SELECT COLUMNS(*) AS shown FROM (${sql}) LIMIT 1`, values, { signal }),
      )
      if (found !== undefined) throw notFulfilled(where, String(found.shown))
    } finally {
      await failing.release()
    }
  })
}

function notFulfilled(where: string, row: string): ValueError {
  const shown = row.length > shownCharacters ? `${row.slice(0, shownCharacters)}…` : row
  return new ValueError(
    'PREDICATE_NOT_FULFILLED',
    `A new row does not fulfil the predicate ${JSON.stringify(where)} whose rows it is to replace: ${shown}`,
    { remedy: 'Leave such rows out of the input, or widen the predicate.', data: { predicate: where, row: shown } },
  )
}
