/**
 * Exactly once: the transaction identifiers of an application (§Transaction Identifiers), numbers that arrive out of order included.
 *
 * The protocol keeps one number an application, the latest. A load whose number is that one is there already. One whose number is
 * lower is looked for in the log: there, it is applied already; not there, it never landed, or its commit is gone, and nobody may guess
 * which. Then it is refused, unless the caller says that older numbers count as applied, or that any order is right.
 */
import { TransactionOrderError } from '../errors/index.ts'
import { commitInfoOf, type DeltaLog, listCommits, parseActions, readCommit, type TableState } from '../log/index.ts'

/** The number of a load, and what to do where a higher one of the same application has landed before. */
export interface TransactionId {
  /** Names the application or job, such as `etl-orders`. */
  readonly appId: string
  /** Its number of this load, from 0 on. */
  readonly version: number
  /** `refuse` (default) with TXN_OUT_OF_ORDER, `skip` as applied (Spark's rule), or `land` each number once in any order. */
  readonly older: 'refuse' | 'skip' | 'land'
}

/** What becomes of a load. */
export type TransactionVerdict = 'new' | 'late' | 'applied'

/** Commits read at a time when the log is searched. */
const together = 64

/**
 * Judges a load against a version of the table: `new` where its number is the highest, `late` where it lands below a higher one,
 * `applied` where there is nothing to do. @throws TransactionOrderError TXN_OUT_OF_ORDER
 */
export async function judge(log: DeltaLog, state: TableState, id: TransactionId, signal?: AbortSignal): Promise<TransactionVerdict> {
  const known = state.txns.get(id.appId)
  if (!known || known.version < id.version) return 'new'
  if (Number(known.version) === id.version || id.older === 'skip') return 'applied'
  if (await landed(log, state.version, id, signal)) return 'applied'
  if (id.older === 'land') return 'late'
  throw new TransactionOrderError(
    'TXN_OUT_OF_ORDER',
    `Load ${id.version} of ${JSON.stringify(id.appId)} comes after its load ${known.version}, and the log has no commit of it.`,
    {
      remedy:
        'Pass --txn-any-order (txnAnyOrder) to land it all the same, or --txn-skip-older (txnSkipOlder) to take older numbers as applied.',
      data: { appId: id.appId, version: id.version, latest: Number(known.version) },
    },
  )
}

/** Looks for a load, newest commits first. Of what a restore set back only what it left counts. */
async function landed(log: DeltaLog, upTo: number, id: TransactionId, signal?: AbortSignal): Promise<boolean> {
  const versions = (await listCommits(log.store, signal)).filter((version) => version <= upTo).reverse()
  let counted = upTo
  for (let i = 0; i < versions.length; i += together) {
    const commits = await Promise.all(versions.slice(i, i + together).map((version) => readCommit(log.store, version, signal)))
    for (const commit of commits) {
      if (commit.version > counted) continue
      const mentions = (word: string) => Buffer.from(commit.bytes.buffer, commit.bytes.byteOffset, commit.bytes.length).indexOf(word) >= 0
      if (mentions('"appId"') && carries(commit, id)) return true
      const restored = mentions('"resetTxn"') ? commitInfoOf(commit).varve?.restored : undefined
      if (restored?.resetTxn) counted = Number(restored.version)
    }
  }
  return false
}

/** A late load is named by our own account of the commit, since the protocol's action keeps the higher number. */
function carries(commit: { version: number; bytes: Uint8Array }, id: TransactionId): boolean {
  const { txn: own, restored } = commitInfoOf(commit).varve ?? {}
  if (own) return own.appId === id.appId && Number(own.version) === id.version
  if (restored?.resetTxn) return false
  for (const action of parseActions(commit)) {
    if ('txn' in action && action.txn.appId === id.appId && Number(action.txn.version) === id.version) return true
  }
  return false
}
