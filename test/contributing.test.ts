import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'
import { project } from './support/project.ts'

test('every file and script that CONTRIBUTING.md names exists', async () => {
  const text = await readFile(join(project, 'CONTRIBUTING.md'), 'utf8')
  const made = ['dist/', '.interop/', '_varve/', '../shared/conformance']
  const named = [...text.matchAll(/`([^`\s]+)`/g)].map(([, name = '']) => name).filter((name) => /^\.?[\w-]+(\/|\.\w+$)/.test(name))
  const missing = named.filter((name) => !made.includes(name) && !existsSync(join(project, name)))
  expect(named.length).toBeGreaterThan(25)
  expect(missing).toEqual([])
  const { scripts } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))
  const commands = [...text.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
  expect(commands.filter((name) => scripts[name] === undefined)).toEqual([])
})

test('the map of CONTRIBUTING.md has every folder of the source', async () => {
  const text = await readFile(join(project, 'CONTRIBUTING.md'), 'utf8')
  const entries = await readdir(join(project, 'src'), { recursive: true, withFileTypes: true })
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => `${relative(project, join(parentPath, name))}/`)
  expect(folders.length).toBeGreaterThan(25)
  expect(folders.filter((folder) => !text.includes(`\`${folder}\``))).toEqual([])
})
