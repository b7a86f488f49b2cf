/** The walk through parents and inputs, over tables that are there, that moved, that ended, that are others, and in a circle. */
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Lineage, type LineageNode, memoryStore, Table } from '../../../src/index.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-lineage-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Orders of a file, events of orders, in a folder of their own. */
async function family(name: string): Promise<{ path: string; orders: Table; events: Table }> {
  const path = join(folder, name)
  const schema = 'id BIGINT'
  const orders = await Table.create(join(path, 'orders'), { schema })
  await writeFile(join(folder, `${name}.csv`), 'id\n1\n')
  await orders.append({ files: join(folder, `${name}.csv`) })
  const events = await Table.create(join(path, 'derived/events'), { schema })
  await events.append((await orders.latest()).scan())
  return { path, orders, events }
}

/** A lineage in short: `to <- from`, each by the last part of its name. */
function edgesOf({ nodes, edges }: Lineage): string[] {
  const names = new Map(nodes.map((node) => [node.key, nameOf(node)]))
  return edges.map(({ from, to, kind }) => `${names.get(to)} ${kind === 'parent' ? '<-' : '<='} ${names.get(from)}`).sort()
}

function nameOf(node: LineageNode): string {
  if (node.kind === 'file') return node.file.split('/').at(-1)!
  if (node.kind === 'query') return node.query
  if (node.kind === 'run') return `run ${node.name}`
  const name = `${node.table.split('/').at(-1)}@${node.version}`
  return node.state === 'found' ? name : `${name} (${node.state})`
}

const whole = (name: string) => ['events@1 <- events@0', 'events@1 <= orders@1', 'orders@1 <- orders@0', `orders@1 <= ${name}.csv`]

it('goes from a version to its parents and inputs, and to theirs', async () => {
  const { events } = await family('f')
  const lineage = await events.lineage()
  expect(edgesOf(lineage)).toEqual(whole('f'))
  expect(lineage.of).toBe(`${events.location}@1`)
  expect(lineage.cut).toBe(false)
  expect(lineage.nodes.find(({ key }) => key === lineage.of)).toMatchObject({ state: 'found', entry: { version: 1, operation: 'WRITE' } })
  expect(lineage.nodes.find(({ kind }) => kind === 'file')).toMatchObject({ bytes: 5, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect(edgesOf(await events.lineage({ asOf: 0 }))).toEqual([])
  await events.run.record({ name: 'nightly', data: [await events.asOf(0)] })
  expect(edgesOf(await events.lineage())).toEqual([...whole('f'), 'run nightly <= events@0'])
})

it('finds tables that moved together, and says what is missing, what is another, and what has ended', async () => {
  const { path } = await family('h')
  const moved = join(folder, 'moved')
  await rename(path, moved)
  const events = await Table.open(join(moved, 'derived/events'))
  expect(edgesOf(await events.lineage())).toEqual(whole('h'))

  // The table that comes to lie there has a version 1, too.
  await rename(join(moved, 'orders'), join(folder, 'orders-away'))
  expect(edgesOf(await events.lineage())).toEqual(['events@1 <- events@0', 'events@1 <= orders@1 (missing)'])
  const other = await Table.create(join(moved, 'orders'), { schema: 'id BIGINT' })
  expect(edgesOf(await events.lineage())).toContain('events@1 <= orders@1 (other)')
  await other.append([{ id: 9n }])
  expect(edgesOf(await events.lineage())).toEqual(['events@1 <- events@0', 'events@1 <= orders@1 (other)'])

  await rm(join(moved, 'orders'), { recursive: true })
  await cp(join(folder, 'orders-away'), join(moved, 'orders'), { recursive: true })
  const back = await Table.open(join(moved, 'orders'))
  await back.append([{ id: 2n }])
  await back.vacuum({ olderThan: '0d' })
  expect(edgesOf(await events.lineage())).toContain('events@1 <= orders@1 (ended)')
})

it('ends where tables were made from one another in turn, and where it is told to', async () => {
  const [a, b] = await Promise.all(['a', 'b'].map((name) => Table.create(join(folder, `circle/${name}`), { schema: 'id BIGINT' })))
  await a!.append([{ id: 1n }])
  for (let round = 0; round < 3; round += 1) {
    await b!.append((await a!.latest()).scan())
    await a!.overwrite((await b!.latest()).scan())
  }
  const lineage = await a!.lineage()
  expect(lineage.nodes).toHaveLength(5 + 4)
  expect(lineage.edges).toHaveLength(4 + 3 + 6)
  const short = await a!.lineage({ limit: 2 })
  expect(short.cut).toBe(true)
  expect(edgesOf(short)).toContain('a@4 <- a@3')
})

it('says that it could not check a version without an id, and walks from no place that is no folder', async () => {
  const { orders } = await family('g')
  const table = await Table.create(join(folder, 'unchecked'), { schema: 'id BIGINT' })
  const inputs = [
    { table: orders.location, version: 1, id: null },
    { table: 's3://bucket/orders', version: 1, id: null },
    { table: pathToFileURL(join(folder, 'nowhere')).href, version: 0, id: 'x' },
  ]
  await table.append([{ id: 1n }], { provenance: { inputs } })
  expect(edgesOf(await table.lineage())).toEqual(
    expect.arrayContaining([
      'unchecked@1 <= orders@1 (unchecked)',
      'orders@1 (unchecked) <= g.csv',
      'unchecked@1 <= nowhere@0 (missing)',
      'unchecked@1 <= orders@1 (missing)',
    ]),
  )
  const remembered = await Table.create(memoryStore(), { schema: 'id BIGINT' })
  await remembered.append((await orders.latest()).scan())
  expect(edgesOf(await remembered.lineage())).toContain('orders@1 <= g.csv')
})
