/** The README's examples, run one after another in one folder: what they print must be what the lines with an arrow say. */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runCommand, runTypeScript } from './support/child.ts'
import { project } from './support/project.ts'

let folder: string
const examples = [...(await readFile(join(project, 'README.md'), 'utf8')).matchAll(/### (.*)|```(ts|sh)\n([\s\S]*?)```/g)]
let section = ''
const cases = examples.flatMap(([, heading, language, code = '']) => {
  section = heading ?? section
  return language === undefined ? [] : [{ name: `${section} (${language})`, language, code }]
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-docs-'))
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true })
  await symlink(project, join(folder, 'node_modules/varve'))
  await symlink(join(project, 'bin/varve.js'), join(folder, 'node_modules/.bin/varve'))
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await writeFile(join(folder, 'february.csv'), 'id,city,at\n3,Oslo,2026-02-01T09:00:00Z\n4,Turku,2026-02-02T09:00:00Z\n')
  await writeFile(
    join(folder, 'train.mjs'),
    `import { readFileSync, writeFileSync } from 'node:fs'
const rows = readFileSync(process.env.VARVE_FILE, 'utf8').trim().split('\\n').length - 1
writeFileSync(process.env.VARVE_METRICS, JSON.stringify({ accuracy: rows / 10 }))
`,
  )
  await writeFile(join(folder, 'april.ndjson'), '{"id":5,"city":"Visby","at":"2026-04-01T10:00:00Z"}\n{"id":6,"city":"Oslo","at":null}\n')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the README', () => {
  test('opens with two commands that package.json has', async () => {
    const readme = await readFile(join(project, 'README.md'), 'utf8')
    expect(readme.slice(0, 1200)).toMatch(/npm ci && npm run demo[\s\S]*npm test/)
  })

  test.each(cases)('$name', async ({ language, code }) => {
    const expected = [...code.matchAll(/(?:^#|\/\/) → (.*)$/gm)].map(([, line]) => line)
    let ended: Awaited<ReturnType<typeof runCommand>>
    if (language === 'ts') {
      await writeFile(join(folder, 'example.ts'), code)
      ended = await runTypeScript(join(folder, 'example.ts'), [], { cwd: folder })
    } else {
      const env = { PATH: `${join(folder, 'node_modules/.bin')}${delimiter}${process.env.PATH}` }
      ended = await runCommand('bash', ['-euc', code], { cwd: folder, env })
    }
    expect(ended).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/error|warning/i) })
    const printed = ended.stdout.trimEnd().split('\n')
    expect(printed.filter((line) => expected.includes(line))).toEqual(expected)
  })
})
