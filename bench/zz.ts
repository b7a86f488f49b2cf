import { Table } from '../src/index.ts'

const table = await Table.open('/work/main/.bench/data/table-10m')
const s = await table.latest()
for (let k = 0; k < 6; k++) {
  const t = performance.now()
  const cp = process.cpuUsage()
  let rows = 0
  for await (const b of s.scan()) rows += b.numRows
  const u = process.cpuUsage(cp)
  console.log(
    process.argv[2],
    rows,
    (performance.now() - t).toFixed(0),
    'user',
    (u.user / 1000).toFixed(0),
    'sys',
    (u.system / 1000).toFixed(0),
  )
}
