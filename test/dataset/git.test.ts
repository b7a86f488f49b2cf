/** What Git tells of a folder, and that nothing is told where there is nothing to know. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { currentAuthor, currentGitState } from '../../src/dataset/git.ts'
import { runCommand } from '../support/child.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-git-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('tells the commit, the branch, and whether files that it knows were changed', async () => {
  const path = join(folder, 'repository')
  await mkdir(path)
  const git = async (...args: readonly string[]) => (await runCommand('git', ['-C', path, ...args])).stdout.trim()
  await git('init', '-q', '-b', 'work')
  await git('config', 'user.name', 'Ada Lovelace')
  await git('config', 'user.email', 'ada@example.org')
  expect(await currentGitState(path)).toBeNull()
  expect(await currentAuthor(path)).toBe('Ada Lovelace <ada@example.org>')
  // One answer serves who asks soon after, so each state is asked for in a folder of its own.
  const [clean, changed, away] = ['clean', 'changed', 'away'].map((name) => join(path, name))
  for (const each of [clean!, changed!, away!]) {
    await mkdir(each)
    await writeFile(join(each, 'etl.js'), 'one')
  }
  await git('add', '.')
  await git('commit', '-q', '-m', 'begin')
  const commit = await git('rev-parse', 'HEAD')
  await writeFile(join(path, 'untracked.csv'), 'id\n')
  expect(await currentGitState(clean!)).toEqual({ commit, branch: 'work', dirty: false })
  await writeFile(join(clean!, 'etl.js'), 'two')
  expect(await currentGitState(clean!)).toEqual({ commit, branch: 'work', dirty: false })
  expect(await currentGitState(changed!)).toEqual({ commit, branch: 'work', dirty: true })
  await git('checkout', '-q', '--detach')
  expect(await currentGitState(away!)).toEqual({ commit, dirty: true })
})

it('runs nothing that a repository names', async () => {
  const path = join(folder, 'hostile')
  await mkdir(path)
  await runCommand('git', ['-C', path, 'init', '-q'])
  await runCommand('git', ['-C', path, 'config', 'core.fsmonitor', `touch ${join(folder, 'ran')}; false`])
  await runCommand('git', [
    '-C',
    path,
    '-c',
    'user.name=a',
    '-c',
    'user.email=b',
    '-c',
    'core.fsmonitor=false',
    'commit',
    '-q',
    '--allow-empty',
    '-m',
    'x',
  ])
  expect((await currentGitState(path))?.commit).toMatch(/^[0-9a-f]{40}$/)
  await expect(rm(join(folder, 'ran'))).rejects.toMatchObject({ code: 'ENOENT' })
})

it('knows nothing outside of a repository, nor in a folder that is not there', async () => {
  expect(await currentGitState(folder)).toBeNull()
  expect(await currentGitState(join(folder, 'nowhere'))).toBeNull()
})
