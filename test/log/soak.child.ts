/** Reads 1,000 versions through one handle, letting go of all at every twentieth, and prints what is kept after some and after all. */
import { trustedEngine } from '../../src/engine/index.ts'
import { writeCheckpoint } from '../../src/log/checkpoint/checkpoint.ts'
import { DeltaLog } from '../../src/log/delta-log.ts'
import { setLoadedBudget } from '../../src/log/files/loaded.ts'
import { memoryStore } from '../../src/storage/index.ts'
import { add, putLog, remove } from './tools.ts'

const versions = 100
const files = 50
const store = memoryStore()
const stats = (n: number) => `{"numRecords":3,"minValues":{"id":${n}},"maxValues":{"id":${n + 9}},"text":"${'x'.repeat(300)}"}`
await putLog(
  store,
  Array.from({ length: versions }, (_, version) => [
    ...Array.from({ length: files }, (_, n) => add(`f${version}-${n}`, { stats: stats(version * files + n) })),
    ...(version > 0 ? [remove(`f${version - 1}-0`)] : []),
  ]),
)
const log = (await DeltaLog.open(store))!
for (const version of [30, 60]) await writeCheckpoint(store, await log.stateAt(version), 0)

async function kept() {
  const connection = await (await trustedEngine()).connect()
  try {
    globalThis.gc?.()
    const [row] =
      await connection.all(`SELECT (SELECT count(*) FROM duckdb_tables() WHERE table_name LIKE 'varve_log_%')::INTEGER AS tables,
      (SELECT sum(memory_usage_bytes) FROM duckdb_memory() WHERE tag NOT LIKE '%_CACHE')::BIGINT AS engine`)
    return { tables: Number(row?.tables), engine: Number(row?.engine), resident: process.memoryUsage().rss }
  } finally {
    await connection.close()
  }
}

let early: Awaited<ReturnType<typeof kept>> | undefined
for (let n = 0; n < 1_000; n += 1) {
  if (n === 100) early = await kept()
  const version = (n * 7919) % versions
  if (n % 20 === 19) await setLoadedBudget(0)
  else await setLoadedBudget(64 << 20)
  const list = await log.files(await log.stateAt(version))
  const { files: count } = await list.counts()
  if (count !== (version + 1) * files - version) throw new Error(`version ${version} has ${count} files`)
}
process.stdout.write(JSON.stringify({ early, late: await kept() }))
