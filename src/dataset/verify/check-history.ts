/** Whether the history of a version, and what was recorded of it, still fit together. */
import { chainId, commitInfoOf, commitKey, type DeltaLog, readCommitIfThere, type TableState } from '../../log/index.ts'
import type { Fingerprints } from '../../refs/fingerprints.ts'
import { listTags } from '../../refs/tags.ts'
import { freshRowsDigest, knownFingerprints } from '../fingerprints.ts'
import { fingerprintsByRuns } from '../runs/by-version.ts'
import type { Finding } from './finding.ts'

/** How the digest of the rows stands to what was recorded. */
export type RowsVerdict = 'same' | 'different' | 'not known' | 'not asked' | 'not computed'

/** Fingerprints that were recorded, and by what. */
export interface Recorded {
  readonly by: string
  readonly fingerprints: Fingerprints
}

/** Follows the ids from the earliest commit that is there: each commit of ours says the id of the one before it. */
export async function checkChain(
  log: DeltaLog,
  version: number,
  findings: Finding[],
  signal: AbortSignal | undefined,
): Promise<{ from: number; id: string | null }> {
  let from = version
  let id: string | null = null
  let read = false
  for (let at = await log.earliest(signal); at <= version; at += 1) {
    const commit = await readCommitIfThere(log.store, at, signal)
    if (!commit) continue
    const ours = commitInfoOf(commit).varve
    if (!read) from = at
    read = true
    if (ours && ours.parent !== null && id !== null && ours.parent !== id) {
      const message = `The commits up to version ${at - 1} are not those that version ${at} was written after: their id is ${id}, and was ${ours.parent}.`
      findings.push({
        path: commitKey(at - 1),
        problem: 'chain',
        message,
        remedy: 'Mend them from a remote (varve verify --repair-from), or restore them from a copy of the log.',
      })
    }
    if (ours) id = chainId(ours.parent, commit.bytes)
    else id = at === 0 || id !== null ? chainId(id, commit.bytes) : null
  }
  return { from, id }
}

/** What was recorded of a version: by tags on it, by runs that read it, and by whoever computed its fingerprints. */
export async function recordedFingerprints(log: DeltaLog, version: number, signal: AbortSignal | undefined): Promise<Recorded[]> {
  const tags = (await listTags(log.store, signal)).filter((tag) => tag.version === version)
  return [
    ...tags.map(({ name, fingerprints }) => ({ by: `the tag ${name}`, fingerprints })),
    ...(await fingerprintsByRuns(log.store, version, signal)).map(({ id, fingerprints }) => ({ by: `the run ${id}`, fingerprints })),
    { by: 'its record', fingerprints: { ...(await knownFingerprints(log, version, signal)), id: null } },
  ]
}

/** Computes the digest of the rows, and compares it with those that were recorded. */
export async function checkRows(
  log: DeltaLog,
  state: TableState,
  recorded: readonly Recorded[],
  findings: Finding[],
  signal: AbortSignal | undefined,
): Promise<RowsVerdict> {
  const rows = await freshRowsDigest(log, state, signal)
  const known = recorded.filter(({ fingerprints }) => fingerprints.rows !== null)
  if (rows === null || known.length === 0) return 'not known'
  const different = known.filter(({ fingerprints }) => fingerprints.rows !== rows)
  for (const { by, fingerprints } of different) findings.push(digestFinding('rows', by, fingerprints.rows!, rows))
  return different.length > 0 ? 'different' : 'same'
}

/** What is found where a fingerprint is not the one that was recorded. */
export function digestFinding(path: 'id' | 'files' | 'rows', by: string, expected: string, found: string): Finding {
  return {
    path,
    problem: 'digest',
    message: `The fingerprint ${path} is ${found}, and ${by} says ${expected}.`,
    remedy: 'Compare the table with a copy: its log, or what was recorded of it, was changed.',
  }
}
