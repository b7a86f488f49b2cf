/**
 * A table with a long history, without writing its data: after one real append, every further commit names a file of its own and goes
 * through Varve's own commit, checksum, hint and checkpoint code, unsynced. What differs from file to file in a real table differs
 * here too (name, digest, size, statistics), since it decides how well a checkpoint compresses. The files themselves are one file
 * linked many times, and are left out where the history is longer than anyone reads.
 */
import { createHash, randomUUID } from 'node:crypto'
import { copyFileSync, linkSync } from 'node:fs'
import { join } from 'node:path'
import { type Add, type CommitInfo, DeltaLog, parseActions, readCommit } from '../src/log/index.ts'
import { settle } from '../src/operations/settle/settle.ts'
import { localStore } from '../src/storage/index.ts'
import { Table } from '../src/table/table.ts'
import { commit, type Prepared } from '../src/transaction/index.ts'
import { unsynced } from './harness/unsynced.ts'

/** Histories longer than this have no data files: none of their cases reads one. */
const longestWithData = 10_000

/** A file system allows some 65,000 names for one file. */
const namesAFile = 50_000

const begin = Date.UTC(2026, 0, 1)

/** The rows of the append `n`; {@link makeHistory} describes such appends. */
export function smallRows(n: number): { id: number; at: Date; user: string; amount: number; country: string }[] {
  return Array.from({ length: 100 }, (_, i) => ({
    id: n * 100 + i,
    at: new Date(begin + (n * 100 + i) * 1000),
    user: `user${10_000 + ((n * 7919 + i * 104_729) % 90_000)}`,
    amount: ((n * 31 + i * 17) % 1_000_000) / 4,
    country: ['DE', 'FR', 'US', 'JP'][(n + i) % 4]!,
  }))
}

/** Makes a table at `folder` whose latest version is `versions`: version 0 creates it, each other adds a file of 100 rows. */
export async function makeHistory(folder: string, versions: number): Promise<void> {
  const store = unsynced(localStore(folder))
  const table = await Table.create(store, { schema: 'id BIGINT, "at" TIMESTAMPTZ, "user" VARCHAR, amount DOUBLE, country VARCHAR' })
  await table.append(smallRows(0))
  const template = templateOf(await readCommit(store, 1))
  const { author, git, command, code } = template.info.varve ?? {}
  const account = { ...(author && { author }), ...(git && { git }), ...(command && { command }), ...(code && { code }) }
  const log = (await DeltaLog.open(store))!
  let original = join(folder, template.add.path)
  for (let version = 2; version <= versions; version++) {
    const add = addLike(template.add, version - 1)
    if (versions <= longestWithData) {
      const path = join(folder, add.path)
      if (version % namesAFile === 0) {
        copyFileSync(original, path)
        original = path
      } else linkSync(original, path)
    }
    const prepared: Prepared = {
      operation: template.info.operation!,
      parameters: template.info.operationParameters ?? {},
      metrics: Object.fromEntries(Object.entries(template.info.operationMetrics ?? {}).map(([name, value]) => [name, Number(value)])),
      actions: [{ add }],
      isBlindAppend: true,
      account: Promise.resolve(account),
    }
    const outcome = await commit(log, log.latest, prepared)
    if (outcome.outcome !== 'committed') throw new Error(`version ${version}: ${outcome.outcome}`)
    const warnings = await settle(log, outcome.state)
    if (warnings.length > 0) throw new Error(warnings.join('; '))
  }
}

function templateOf(first: Awaited<ReturnType<typeof readCommit>>): { add: Add; info: CommitInfo } {
  let add: Add | undefined
  let info: CommitInfo | undefined
  for (const action of parseActions(first)) {
    if ('add' in action) add = action.add
    if ('commitInfo' in action) info = action.commitInfo
  }
  if (!add || !info) throw new Error('the first append has no add or no commitInfo')
  return { add, info }
}

function addLike(template: Add, n: number): Add {
  const rows = smallRows(n)
  const stats = JSON.parse(template.stats ?? '{}') as { minValues: Record<string, unknown>; maxValues: Record<string, unknown> }
  const [users, amounts] = [rows.map(({ user }) => user).sort(), rows.map(({ amount }) => amount).sort((a, b) => a - b)]
  const [first, last] = [rows[0]!, rows.at(-1)!]
  Object.assign(stats.minValues, { id: first.id, at: likeTime(stats.minValues.at, first.at), user: users[0], amount: amounts[0] })
  Object.assign(stats.maxValues, { id: last.id, at: likeTime(stats.maxValues.at, last.at), user: users.at(-1), amount: amounts.at(-1) })
  const digest = createHash('sha256').update(String(n)).digest('hex')
  return {
    ...template,
    path: template.path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, randomUUID()),
    modificationTime: template.modificationTime + n * 1000,
    stats: JSON.stringify(stats),
    tags: { ...template.tags, 'varve.sha256': digest },
  }
}

// The log's own spelling of a time is kept: only the digits move.
function likeTime(template: unknown, at: Date): string {
  const digits = /\.(\d+)/.exec(String(template))?.[1]?.length ?? 0
  const iso = at.toISOString()
  return digits === 0 ? `${iso.slice(0, 19)}Z` : `${iso.slice(0, 20)}${iso.slice(20, 23).padEnd(digits, '0').slice(0, digits)}Z`
}
