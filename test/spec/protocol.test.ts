/** The rules of `spec/protocol`: each has an id of its own and a test that exists, and no feature that is let through is without one. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { project } from '../support/project.ts'

interface Rule {
  readonly id: string
  readonly text: string
  readonly tests: { readonly file: string; readonly title: string }[]
}

const folder = join(project, 'spec', 'protocol')
const rules = readdirSync(folder)
  .filter((name) => name !== 'README.md')
  .flatMap((name) => rulesOf(readFileSync(join(folder, name), 'utf8')))

it('have ids of their own, a section, and tests', () => {
  const ids = rules.map(({ id }) => id)
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  expect(rules.filter(({ tests }) => tests.length === 0).map(({ id }) => id)).toEqual([])
  const without = rules.filter(({ text }) => !text.includes('(§')).map(({ id }) => id)
  // What the protocol takes for granted.
  expect(without.sort()).toEqual(['ACT-7', 'ACT-8', 'COL-3', 'COL-6', 'STAT-4'])
  expect(ids.length).toBeGreaterThan(50)
})

it('name tests that exist', () => {
  const missing = rules.flatMap(({ id, tests }) =>
    tests.filter(({ file, title }) => !hasTest(file, title)).map((test) => ({ id, ...test })),
  )
  expect(missing).toEqual([])
})

it('have one for each feature that the gate lets readers and writers through', () => {
  const gate = readFileSync(join(project, 'src', 'log', 'protocol.ts'), 'utf8')
  const listed = [...gate.matchAll(/const (?:readable|writable) = new Set\(\[(.*?)\]\)/gs)].flatMap(([, list]) => [
    ...list!.matchAll(/'([^']+)'/g),
  ])
  const names = new Set(listed.map(([, name]) => name!))
  expect(names.size).toBeGreaterThan(15)
  const all = rules.map(({ text }) => text).join('\n')
  expect([...names].filter((name) => !all.includes(`\`${name}\``))).toEqual([])
})

/** `**ID** what is promised (§Section).`, and a line for each test. */
function rulesOf(text: string): Rule[] {
  const found: Rule[] = []
  for (const line of text.split('\n')) {
    const [, id, promise] = /^\*\*([\w-]+)\*\* (.+)$/.exec(line) ?? []
    if (id !== undefined) found.push({ id, text: promise!, tests: [] })
    const [, file, title] = /^- `(test\/[^`]+)`: (.+)$/.exec(line) ?? []
    if (file !== undefined) found.at(-1)!.tests.push({ file, title: title! })
  }
  return found
}

function hasTest(file: string, title: string): boolean {
  if (!existsSync(join(project, file))) return false
  const quoted = ["'", '"', '`'].map((quote) => `(${quote}${title}${quote}`)
  // A title stands behind the name of its table of cases, or on a line of its own.
  const text = readFileSync(join(project, file), 'utf8').replace(/\(\n\s*/g, '(')
  return quoted.some((call) => text.includes(call)) || ["'", '"', '`'].some((quote) => text.includes(`\n  ${quote}${title}${quote},`))
}
