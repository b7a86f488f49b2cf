/**
 * What changes do to queries, as LST-Bench asks it (its workload WP1): a round of queries, then five times changes and the same round again.
 * The table keeps its number of rows, so that what is slower at the end is slower for the changes.
 */
import { join } from 'node:path'
import type { Table } from '../../src/index.ts'
import type { Case, Contender, Setting } from '../harness/case.ts'
import { changingNeeds, loadedTable, rowsOf } from '../harness/changing.ts'
import { measured } from '../harness/measure.ts'

const rounds = 5

/** Of each query the fastest counts: the machine's other work only ever adds. */
const repeats = 7

const queries = [
  'SELECT count(*) AS n, sum(id) AS id, max("at") AS at, max("user") AS u, sum(amount) AS amount FROM t',
  'SELECT country, count(*) AS n, sum(amount) AS amount, max("user") AS u FROM t GROUP BY country ORDER BY country',
  'SELECT "user", sum(amount) AS amount FROM t GROUP BY "user" ORDER BY amount DESC, "user" LIMIT 10',
  `SELECT count(*) AS n, sum(amount) AS amount FROM t WHERE country = 'DE' AND amount > 50000`,
  `SELECT count(*) AS n, avg(amount) AS amount FROM t WHERE "at" BETWEEN TIMESTAMPTZ '2026-01-02' AND TIMESTAMPTZ '2026-01-03'`,
]

async function queryRound(table: Table): Promise<{ wall: number; cpu: number }> {
  const snapshot = await table.latest()
  const sum = { wall: 0, cpu: 0 }
  for (const sql of queries) {
    const samples = []
    for (let i = 0; i < repeats; i++) {
      samples.push(
        await measured(async () => {
          await snapshot.query(sql, { name: 't' }).toArray()
          return undefined
        }),
      )
    }
    sum.wall += Math.min(...samples.map(({ wall }) => wall!))
    sum.cpu += Math.min(...samples.map(({ cpu }) => cpu!))
  }
  return sum
}

/** A hundredth of the rows updated, another deleted, and as many merged of which half are new and half change others; then a load of as many as are missing. */
async function changeRows(table: Table, round: number, rows: number): Promise<void> {
  await table.update({ where: `id % 100 = ${10 + round}`, set: { amount: 'amount + 1' } })
  await table.delete({ where: `id % 100 = ${20 + round}` })
  const columns = `"at", "user", amount + 2 AS amount, country`
  const snapshot = await table.latest()
  const one = `id % 200 = ${30 + round}`
  await table.upsert(
    snapshot.query(
      `SELECT id, ${columns} FROM t WHERE ${one} UNION ALL SELECT id + ${rows} * ${round + 1}, ${columns} FROM t WHERE ${one}`,
      {
        name: 't',
      },
    ),
    { key: 'id' },
  )
  const missing = rows - (await (await table.latest()).rowCount())
  const more = (await table.latest()).query(`SELECT id + ${rows} * ${round + 10} AS id, ${columns} FROM t LIMIT ${missing}`, { name: 't' })
  await table.append(more)
}

function contender(name: string, optimize: boolean): Contender {
  return {
    name,
    role: 'varve',
    fresh: true,
    samples: 3,
    start: async (setting: Setting) => {
      const folder = join(setting.work, 't')
      const table = await loadedTable(setting, folder)
      return {
        sample: async () => {
          await queryRound(table)
          const first = await queryRound(table)
          for (let round = 0; round < rounds; round++) {
            await changeRows(table, round, rowsOf(setting))
            if (optimize) await table.optimize()
          }
          const count = await (await table.latest()).rowCount()
          if (count !== rowsOf(setting)) throw new Error(`${count} rows`)
          const last = await queryRound(table)
          return { first: first.wall, last: last.wall, slower: last.wall / first.wall, 'slower, cpu': last.cpu / first.cpu }
        },
      }
    },
  }
}

/** Queries after changes. */
export const longevity: Case = {
  name: 'longevity',
  title: `a round of ${queries.length} queries before and after ${rounds} rounds of changes, 2,000,000 rows in 8 files (200,000 in a short run)`,
  needs: changingNeeds,
  shows: ['first', 'last', 'slower', 'slower, cpu'],
  contenders: [contender('varve, without optimize', false), contender('varve, with optimize', true)],
  targets: [
    { says: 'last round beside the first, without optimize', of: 'varve, without optimize', metric: 'slower', atMost: 1.2, unit: 'x' },
    { says: 'last round beside the first, with optimize', of: 'varve, with optimize', metric: 'slower', atMost: 1.05, unit: 'x' },
  ],
  note: 'a round of changes: 1% of the rows updated, 1% deleted, 1% merged (half of them new), and an append that makes up for what is missing',
}
