/** Expressions of tables' metadata as Spark evaluates them, by its ANSI rules and by its older ones. */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { afterAll, expect, it } from 'vitest'
import { readExpression } from '../../src/schema/expression/expression.ts'
import { evaluate, listed, rowsSql, schema } from '../schema/expression/listed.ts'
import { expressions } from '../schema/expression/random.ts'
import type { Canonical } from './peers/canonical.ts'
import { spark } from './peers/peer.ts'

const file = fileURLToPath(new URL('../schema/expression/answers.json', import.meta.url))

afterAll(() => spark.configure('spark.sql.ansi.enabled', 'true'))

/** What Spark gives for expressions, each for every row. */
async function ask(expressions: readonly string[]): Promise<Canonical[][]> {
  const select = expressions.map((text, at) => `${text} AS v${at}`)
  const rows = await spark.sql(`SELECT n, ${select.join(', ')} FROM (${rowsSql('spark')}) ORDER BY n`)
  return expressions.map((_, at) => rows.map((row) => row[at + 1]![1]))
}

it('the answers that are kept are Spark’s', async () => {
  await spark.configure('spark.sql.ansi.enabled', 'false')
  const answers = Object.fromEntries((await ask(listed)).map((rows, at) => [listed[at], rows]))
  if (process.env.VARVE_WRITE_ANSWERS) await writeFile(file, `${JSON.stringify(answers, undefined, 2)}\n`)
  expect(answers).toEqual(JSON.parse(await readFile(file, 'utf8')))
})

it('Spark reads what Varve writes of an expression as the same', async () => {
  await spark.configure('spark.sql.ansi.enabled', 'false')
  const written = listed.map((text) => readExpression(text, { schema, what: 'it' }).spark)
  expect(await ask(written)).toEqual(await ask(listed))
})

it('by ANSI rules Spark gives the same, or stops where Varve stops', async () => {
  await spark.configure('spark.sql.ansi.enabled', 'true')
  const ours = new Map<string, Awaited<ReturnType<typeof evaluate>>>()
  for (const text of listed) ours.set(text, await evaluate(text))
  const whole = listed.filter((text) => !ours.get(text)!.includes('failed'))
  expect(await ask(whole)).toEqual(whole.map((text) => ours.get(text)))
  for (const text of listed.filter((one) => !whole.includes(one))) {
    // Spark stops at the first row that has no value.
    const [theirs] = await ask([text]).catch(() => [undefined])
    if (theirs !== undefined)
      expect(
        ours.get(text)!.map((value, row) => (value === 'failed' ? theirs[row] : value)),
        text,
      ).toEqual(theirs)
  }
})

it('random expressions give what Spark gives, or stop, or are refused', async () => {
  await spark.configure('spark.sql.ansi.enabled', 'false')
  const seed = Number(process.env.VARVE_SEED ?? 7)
  const drawn = [...new Set(fc.sample(expressions, { seed, numRuns: Number(process.env.VARVE_EXPRESSIONS ?? 300) }))]
  const taken = drawn.filter(isTaken)
  expect(taken.length).toBeGreaterThan(drawn.length / 2)
  for (let at = 0; at < taken.length; at += 100) await compare(taken.slice(at, at + 100))
})

/** Compares where Spark has results for all; else by halves, to find those for which Spark stops too. The sign of a zero is nobody's matter. */
async function compare(some: readonly string[]): Promise<void> {
  const theirs = await ask(some).catch((error: Error) => error)
  if (theirs instanceof Error) {
    // Days beyond what a date holds stop Spark by all of its rules; whatever else does would be an expression that Spark cannot read.
    if (some.length === 1) expect(theirs.message, some[0]).toContain('ARITHMETIC_OVERFLOW')
    if (some.length === 1) return expect(await evaluate(some[0]!), some[0]).toContain('failed')
    await compare(some.slice(0, some.length / 2))
    return compare(some.slice(some.length / 2))
  }
  const plain = (value: unknown) => (value === 'f64:8000000000000000' ? 'f64:0000000000000000' : value)
  for (const [index, text] of some.entries()) {
    const ours = await evaluate(text)
    const expected = theirs[index]!
    expect(
      ours.map((value, row) => plain(value === 'failed' ? expected[row] : value)),
      text,
    ).toEqual(expected.map(plain))
  }
}

function isTaken(text: string): boolean {
  try {
    readExpression(text, { schema, what: 'it' })
    return true
  } catch (error) {
    expect(error).toMatchObject({ code: 'UNSUPPORTED_EXPRESSION' })
    return false
  }
}
