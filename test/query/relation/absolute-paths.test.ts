import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Table } from '../../../src/index.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-absolute-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A table whose log names its one file as `spell` makes it of the file's absolute path. */
async function tableNaming(name: string, spell: (path: string) => string): Promise<string> {
  const root = join(folder, name)
  await Table.append(root, [{ id: 1 }, { id: 2 }], { create: true })
  const file = readdirSync(root).find((one) => one.endsWith('.parquet'))!
  mkdirSync(join(root, 'a b'))
  renameSync(join(root, file), join(root, 'a b', file))
  const log = join(root, '_delta_log', '00000000000000000000.json')
  writeFileSync(log, readFileSync(log, 'utf8').replace(`"path":"${file}"`, `"path":${JSON.stringify(spell(join(root, 'a b', file)))}`))
  return root
}

async function ids(root: string): Promise<unknown[]> {
  return (await (await Table.open(root)).latest()).query('SELECT id FROM t ORDER BY id', { name: 't' }).toArray()
}

const spellings: readonly [string, (path: string) => string][] = [
  ['a path', (path) => path.replaceAll(' ', '%20')],
  ['file:///', (path) => pathToFileURL(path).href],
  ['file:/', (path) => pathToFileURL(path).href.replace('file:///', 'file:/')],
]

it.each(spellings)('reads a file under the root that the log names by %s', async (name, spell) => {
  const root = await tableNaming(name.replaceAll('/', '_'), spell)
  expect(await ids(root)).toEqual([{ id: 1n }, { id: 2n }])
})

it('finds such a file where the root was reached by another name', async () => {
  symlinkSync(folder, join(folder, 'link'))
  const root = await tableNaming('by-link', (path) => path.replace(folder, join(folder, 'link')).replaceAll(' ', '%20'))
  expect(await ids(root)).toEqual([{ id: 1n }, { id: 2n }])
})

it('refuses a file outside the root, also one beside it whose name begins alike', async () => {
  const root = await tableNaming('outside', (path) => path.replace('/outside/', '/outside2/').replaceAll(' ', '%20'))
  cpSync(root, join(folder, 'outside2'), { recursive: true })
  await expect(ids(root)).rejects.toMatchObject({
    code: 'PATH_OUTSIDE_ROOT',
    data: { folder: join(folder, 'outside2', 'a b') },
    remedy: expect.stringContaining(`allowPaths: [${JSON.stringify(join(folder, 'outside2', 'a b'))}]`),
  })
})
