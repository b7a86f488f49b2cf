/** `node exec.child.js TABLE`: begins a run and records a metric of it, then runs a command that writes metrics, says so, and stays as long as this process. */
import { Table } from '../../../src/index.ts'

const table = await Table.open(process.argv[2] ?? '')
const run = await table.run.start({ name: 'doomed', parameters: { lr: 1 }, data: [1] })
await run.metric('loss', 0.5, 1)
const script = `require('fs').writeFileSync(process.env.VARVE_METRICS, '{"auc": 0.5}')
process.stdout.write('ready')
process.stdin.on('end', () => process.exit()).resume()`
await table.run.exec([process.execPath, '-e', script], { name: 'halfway' })
