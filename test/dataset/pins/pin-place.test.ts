/** Where a pull may put what a stranger's pin names. */
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isPinPath, projectOf, writableTableOfPin } from '../../../src/dataset/pins/pin-place.ts'

let root: string
const inProject = (...parts: readonly string[]) => join(root, 'project', ...parts)
const place = (file: string, table: string, allowed?: readonly string[]) => writableTableOfPin(inProject(file), { table }, allowed)
const refused = expect.objectContaining({ code: 'PIN_OUTSIDE_PROJECT' })

beforeAll(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'varve-place-')))
  for (const folder of ['project/.git', 'project/pins', 'project/data', 'home/.ssh', 'lone'])
    await mkdir(join(root, folder), { recursive: true })
  await symlink(join(root, 'home'), inProject('away'))
  await symlink(join(root, 'nothing'), inProject('dangling'))
  await symlink('data', inProject('inside'))
  await symlink('.git', inProject('hidden'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

describe('the table of a pin', () => {
  test.each([
    ['events.varve', 'data/events', 'data/events'],
    ['events.varve', 'new/deep/events', 'new/deep/events'],
    ['pins/events.varve', '../data/events', 'data/events'],
    ['events.varve', 'inside/events', 'inside/events'],
    ['events.varve', '..data', '..data'],
  ])('%s may bring %s', (file, table, expected) => {
    expect(place(file, table)).toBe(inProject(expected))
  })

  test.each([
    ['above the project', 'events.varve', '../home/.ssh'],
    ['above it by detours', 'pins/events.varve', 'x/../../../home/events'],
    ['behind a link', 'events.varve', 'away/.ssh'],
    ['behind a link to nothing', 'events.varve', 'dangling/events'],
    ['the folder of Git', 'events.varve', '.git'],
    ['a folder of it', 'events.varve', '.GIT/hooks'],
    ['it, behind a link', 'events.varve', 'hidden/hooks'],
  ])('may not be brought: %s', (_, file, table) => {
    expect(() => place(file, table)).toThrow(refused)
  })

  test('may be brought where it is allowed, but not into the folders of Git', () => {
    expect(place('events.varve', '../home/events', [join(root, 'home')])).toBe(join(root, 'home/events'))
    expect(() => place('events.varve', '../home/events', [inProject('data')])).toThrow(refused)
    expect(() => place('events.varve', '.git/x', [inProject('.git')])).toThrow(refused)
  })

  test('without Git stays below its own folder', () => {
    expect(projectOf(inProject('pins'))).toBe(inProject())
    const file = join(root, 'lone/events.varve')
    expect(writableTableOfPin(file, { table: 'events' })).toBe(join(root, 'lone/events'))
    expect(() => writableTableOfPin(file, { table: '../events' })).toThrow(refused)
  })
})

test('a pin has any name, a folder is a table, and what is not there goes by its name', async () => {
  await writeFile(inProject('odd.txt'), '# ours\nvarve-pin: 1\n')
  await writeFile(inProject('rows.csv'), 'id\n1\n')
  await mkdir(inProject('table.varve'))
  expect(['odd.txt', 'rows.csv', 'table.varve', 'none.varve', 'none', 'odd.txt/x'].map((name) => isPinPath(inProject(name)))).toEqual([
    true,
    false,
    false,
    true,
    false,
    false,
  ])
})
