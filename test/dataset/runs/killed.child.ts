/** `node killed.child.js TABLE`: begins a run, records a metric, prints the run's id, and is killed. */
import { Table } from '../../../src/index.ts'

const table = await Table.open(process.argv[2] ?? '')
const run = await table.run.start({ name: 'doomed', parameters: { lr: 1 } })
await run.metric('loss', 0.5, 1)
process.stdout.write(`${run.id}\n`, () => process.kill(process.pid, 'SIGKILL'))
setInterval(() => {}, 1000)
