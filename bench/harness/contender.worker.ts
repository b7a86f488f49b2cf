/**
 * One contender in a process of its own: `node contender.worker.js CASE CONTENDER SETTING`. It sets up, says so with a line of JSON,
 * then answers every line `sample N` on stdin with a line that holds the sample, until stdin ends.
 */
import { createInterface } from 'node:readline'
import { cases } from '../cases/index.ts'
import type { Setting } from './case.ts'
import { measured } from './measure.ts'

const [caseName, contenderName, settingText] = process.argv.slice(2)
const contender = cases.find(({ name }) => name === caseName)?.contenders.find(({ name }) => name === contenderName)
if (!contender?.start || !settingText) throw new Error(`no contender ${contenderName} in ${caseName}`)
const running = await contender.start(JSON.parse(settingText) as Setting)
const say = (value: unknown): void => {
  process.stdout.write(`\u0001${JSON.stringify(value)}\n`)
}
say({ ready: true })
for await (const line of createInterface({ input: process.stdin })) {
  const round = Number(line.split(' ')[1])
  try {
    say(await measured(() => running.sample(round)))
  } catch (error) {
    say({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}
process.exit(0)
