/** What tables of other engines say of their columns and versions besides the rows: kept, and shown. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { project } from '../support/project.ts'

const folderOf = (name: string) => join(project, 'spec', 'cases', name, 'table')

it('shows how identity, default and generated columns come about', async () => {
  const { schema } = await (await Table.open(folderOf('identity-defaults-generated'))).latest()
  const metadata = (name: string) => schema.fields.find((field) => field.name === name)?.metadata
  expect(metadata('id')).toMatchObject({
    'delta.identity.start': 10,
    'delta.identity.step': 5,
    'delta.identity.highWaterMark': 25,
    'delta.identity.allowExplicitInsert': false,
  })
  expect(metadata('v')).toMatchObject({ CURRENT_DEFAULT: "'later'" })
  expect(metadata('n')).toMatchObject({ CURRENT_DEFAULT: '7' })
  expect(metadata('day')).toMatchObject({ 'delta.generationExpression': expect.stringContaining('CAST') })
})

it('shows the changes of types that a column went through', async () => {
  const { schema } = await (await Table.open(folderOf('widening-nested'))).latest()
  expect(schema.fields.find(({ name }) => name === 'id')?.metadata['delta.typeChanges']).toEqual([{ fromType: 'integer', toType: 'long' }])
})

it('tells the times of versions by their files until the table has its own, and by these from then on', async () => {
  const folder = folderOf('in-commit-timestamps-midway')
  const table = await Table.open(folder)
  const told = (version: number) => {
    const text = readFileSync(join(folder, '_delta_log', `${String(version).padStart(20, '0')}.json`), 'utf8')
    return /"inCommitTimestamp":(\d+)/.exec(text)?.[1]
  }
  const enabled = Number((await table.latest()).properties['delta.inCommitTimestampEnablementVersion'])
  expect(enabled).toBe(3)
  for (let version = enabled; version <= 5; version += 1) {
    const snapshot = await table.asOf(version)
    expect((await snapshot.timestamp()).getTime()).toBe(Number(told(version)))
    expect((await table.asOf({ timestamp: await snapshot.timestamp() })).version).toBe(version)
  }
  expect(told(enabled - 1)).toBeUndefined()
})

it('reads a version before and after its columns got other names', async () => {
  const table = await Table.open(folderOf('mapping-id'))
  const names = async (version: number) => (await table.asOf(version)).schema.fields.map(({ name }) => name)
  expect(await names(1)).toEqual(['id', 'a b', 's', 'l', 'm', 'p'])
  expect(await names(6)).toEqual(['id', 'b', 's', 'l', 'm', 'part'])
  expect((await table.asOf(6)).partitionColumns).toEqual(['part'])
})
