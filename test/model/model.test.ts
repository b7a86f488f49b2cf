/**
 * Random lives of tables, by all verbs, beside a table of DuckDB: every version has the rows that it should have, its changes are what tells it
 * from the one before, rows keep their ids, and no file is left that no version names.
 *
 * `VARVE_MODEL=steps` lives longer, with other seeds each time. A failure shows the seed and the fewest steps that fail; `VARVE_MODEL_LIFE` lives such
 * a life again.
 */
import { expect, test } from 'vitest'
import { live, type Traits } from './life.ts'

const stepsALife = 30
const asked = Number(process.env.VARVE_MODEL ?? 0)
const lives = asked > 0 ? Math.ceil(asked / stepsALife / 4) : 3
const firstSeed = asked > 0 ? Date.now() % 2 ** 31 : 1

const traits: Traits[] = [
  { vectors: true, changeFeed: false, rowTracking: true },
  { vectors: true, changeFeed: true, rowTracking: false },
  { vectors: false, changeFeed: true, rowTracking: true },
  { vectors: false, changeFeed: false, rowTracking: false },
]

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** Leaves out steps as long as the life still fails. @returns the steps that are left, and what it fails with */
async function fewest(seed: number, own: Traits, failure: Error): Promise<{ steps: number[]; failure: Error }> {
  let steps = upTo(stepsALife)
  let last = failure
  const until = performance.now() + 20_000
  for (let size = 8; size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < steps.length && performance.now() < until; ) {
      const fewer = [...steps.slice(0, at), ...steps.slice(at + size)]
      const error = await live(seed, own, fewer).then(
        () => undefined,
        (thrown: Error) => thrown,
      )
      if (error === undefined) at += size
      else [steps, last] = [fewer, error]
    }
  }
  return { steps, failure: last }
}

const timeout = 120_000 + asked * 200

test.each(traits.map((own, index) => ({ ...own, index })))(
  'vectors $vectors, change feed $changeFeed, row tracking $rowTracking',
  { timeout },
  async ({ index }) => {
    const own = traits[index]!
    const given = process.env.VARVE_MODEL_LIFE?.split(':')
    if (given) {
      if (Number(given[1]) === index) await live(Number(given[0]), own, (given[2] ?? '').split(',').map(Number))
      return
    }
    for (const number of upTo(lives)) {
      const seed = firstSeed + number * traits.length + index
      const error = await live(seed, own, upTo(stepsALife)).then(
        () => undefined,
        (thrown: Error) => thrown,
      )
      if (error === undefined) continue
      const { steps, failure } = await fewest(seed, own, error)
      expect.fail(`VARVE_MODEL_LIFE=${seed}:${index}:${steps.join(',')}\n${failure.message}`)
    }
  },
)
