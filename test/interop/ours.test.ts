/** Tables that Varve wrote, read by Spark, delta-rs and DuckDB's Delta extension at every version with the rows that went in. */
import { join } from 'node:path'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { sameRows } from './peers/canonical.ts'
import { readers } from './peers/peer.ts'
import { expectedRows, localTimes, tableCases, temporaryFolder, varveRows, writeTable } from './tables.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.dispose())

const presets = [undefined, 'wide'] as const
const written = presets.flatMap((preset) =>
  tableCases
    // A local time is a table feature, which the wide preset is there to avoid.
    .filter((table) => !(preset === 'wide' && table === localTimes))
    .map((table) => ({ table, preset, name: `${table.name}, preset ${preset ?? 'default'}` })),
)

describe.each(written)('$name', ({ table, preset }) => {
  let path: string
  beforeAll(async () => {
    path = join(folder.path, `${table.name}-${preset ?? 'default'}`.replaceAll(' ', '_'))
    await writeTable(path, table, preset)
  })

  it('is read back by Varve', async () => {
    for (let version = 0; version <= table.loads.length; version++) {
      sameRows(await varveRows(path, version), await expectedRows(table, version), `Varve at ${version}`)
    }
    for (const where of table.where ?? []) {
      sameRows(await varveRows(path, undefined, where), await expectedRows(table, table.loads.length, where), `Varve where ${where}`)
    }
  })

  it.each(readers)('is read by $name', async (reader) => {
    for (let version = 0; version <= table.loads.length; version++) {
      sameRows(await reader.read(path, { version }), await expectedRows(table, version), `${reader.name} at ${version}`)
    }
    for (const where of table.where ?? []) {
      sameRows(await reader.read(path, { where }), await expectedRows(table, table.loads.length, where), `${reader.name} where ${where}`)
    }
  })
})
