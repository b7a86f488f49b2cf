/** `node exec.child.js TABLE`: runs a command that writes metrics, says so, and ends when this process is gone. */
import { Table } from '../../../src/index.ts'

const script = `require('fs').writeFileSync(process.env.VARVE_METRICS, '{"auc": 0.5}')
process.stdout.write('ready')
process.stdin.on('end', () => process.exit()).resume()`
await (await Table.open(process.argv[2] ?? '')).run.exec([process.execPath, '-e', script], { name: 'halfway' })
