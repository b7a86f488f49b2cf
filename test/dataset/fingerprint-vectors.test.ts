/** The test vectors of spec/fingerprint.md: the text of columns and of every row, and the digest of a table that holds the rows. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { columnsText, rowText } from '../../src/dataset/canonical-rows.ts'
import { trustedEngine } from '../../src/engine/index.ts'
import { memoryStore, openSession, type StructType, Table } from '../../src/index.ts'
import { project } from '../support/project.ts'
import { selectOf, type TypedValue } from '../support/typed-values.ts'

interface Vector {
  readonly name: string
  readonly columns: string
  readonly schema: StructType
  readonly rows: readonly (readonly TypedValue[])[]
  readonly texts: readonly string[]
  readonly digest: string
}

const vectors = JSON.parse(readFileSync(join(project, 'spec/fingerprint-vectors.json'), 'utf8')) as readonly Vector[]

it.each(vectors)('$name', async ({ columns, schema, rows, texts, digest }) => {
  expect(columnsText(schema)).toBe(columns)
  const connection = await (await trustedEngine()).connect()
  const found = await connection.all(`SELECT ${rowText(schema, 'r')} AS text FROM (${selectOf(schema, rows)}) AS r`)
  await connection.close()
  expect(found.map(({ text }) => text)).toEqual(texts)
  const table = await Table.create(memoryStore(), { schema })
  await table.append((await openSession({})).query(selectOf(schema, rows)))
  expect((await (await table.latest()).fingerprints()).rows).toBe(digest)
})
