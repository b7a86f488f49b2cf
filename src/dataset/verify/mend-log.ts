/**
 * Mending the log: commits that were changed, cut or lost are put back from a remote.
 *
 * Each commit of ours says the id of all that came before it, so commits before it are proven by it: those of the remote are taken where they give the
 * very id that was written down here, and only then. Commits at the end, which no other of ours follows, nothing proves; they stay as they are.
 */
import { utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { v4 as uuid } from 'uuid'
import { LogError } from '../../errors/index.ts'
import {
  type Commit,
  type CommitInfo,
  chainId,
  commitInfoOf,
  commitKey,
  type DeltaLog,
  isTimedByFile,
  readCommitIfThere,
} from '../../log/index.ts'
import { systemFailure } from '../../storage/failures.ts'
import { hashBytes, type ObjectStore } from '../../storage/index.ts'
import type { Mended } from './mend.ts'

/** Mends the commits up to a version. Whoever has read them must open the table again. @returns what was mended; storage errors are thrown */
export async function mendLog(log: DeltaLog, version: number, remote: ObjectStore, signal: AbortSignal | undefined): Promise<Mended[]> {
  const { store } = log
  const mended: Mended[] = []
  let id: string | null = null
  // Whether something before is changed or lost; commits that a cleanup took from the beginning are not.
  let broken = false
  let begun = false
  for (let at = 0; at <= version; at += 1) {
    const commit = await readCommitIfThere(store, at, signal)
    begun ||= commit !== undefined
    if (!begun) continue
    const info = commit && infoOf(commit)
    if (commit === undefined || info === undefined) {
      broken = true
      id = null
      continue
    }
    const { varve: ours } = info
    if (ours && ours.parent !== null && ours.parent !== id && (broken || id !== null)) {
      for (const proven of await provenCommits(remote, at - 1, ours.parent, signal)) {
        const there = await readCommitIfThere(store, proven.version, signal)
        if (there !== undefined && Buffer.compare(there.bytes, proven.bytes) === 0) continue
        await put(log, proven, signal)
        mended.push({ path: commitKey(proven.version), bytes: proven.bytes.length, sha256: hashBytes(proven.bytes) })
      }
    }
    if (ours) broken = false
    if (ours) id = chainId(ours.parent, commit.bytes)
    else id = at === 0 || id !== null ? chainId(id, commit.bytes) : null
  }
  return mended
}

/** A commit's account of itself; `undefined` where it is no commit any more. */
function infoOf(commit: Commit): CommitInfo | undefined {
  try {
    return commitInfoOf(commit)
  } catch (error) {
    if (error instanceof LogError) return undefined
    throw error
  }
}

/** The remote's commits up to a version, from the nearest one of ours on, where they give an id; else none. */
async function provenCommits(remote: ObjectStore, last: number, expected: string, signal: AbortSignal | undefined): Promise<Commit[]> {
  const commits: Commit[] = []
  let parent: string | null = null
  for (let at = last; at >= 0; at -= 1) {
    const commit = await readCommitIfThere(remote, at, signal)
    const info = commit && infoOf(commit)
    if (commit === undefined || info === undefined) return []
    commits.unshift(commit)
    if (info.varve === undefined) continue
    parent = info.varve.parent
    break
  }
  return commits.reduce<string | null>((id, { bytes }) => chainId(id, bytes), parent) === expected ? commits : []
}

async function put(log: DeltaLog, { version, bytes, modified }: Commit, signal: AbortSignal | undefined): Promise<void> {
  const { store } = log
  const key = commitKey(version)
  if (!isTimedByFile(log.latest, version)) {
    await store.put(key, bytes, { signal })
    return
  }
  const staging = await store.stage()
  const path = join(staging.folder, uuid())
  const seconds = (modified + 0.5) / 1000
  try {
    await writeFile(path, bytes)
    await utimes(path, seconds, seconds)
    await store.put(key, { path, size: bytes.length }, { signal })
  } catch (error) {
    throw systemFailure(error, 'write', key, store.root)
  } finally {
    await staging.dispose()
  }
}
