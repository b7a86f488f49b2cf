/**
 * Thinning of old checkpoints. They are derived from the commits, so most of the older ones can go: the last few stay, of those before one
 * for each doubling of the distance to the newest, and those at versions that something holds.
 *
 * A checkpoint goes only where the next older one that stays, and every commit from there on, is in the log: so no version is lost, and
 * none is farther behind a checkpoint than it is behind the newest. Commits are never touched.
 */
import type { ObjectStore } from '../../storage/object-store.ts'
import { deleteAll } from '../delete-all.ts'
import { completeVersions, type Listing, readListing } from '../listing.ts'
import { removeUnnamedSidecars } from './unnamed-sidecars.ts'

/** The newest so many checkpoints stay. */
const lastFew = 3

/** Thinning reads all names of the log, so it comes with the first checkpoint in so many versions. */
const thinnedEvery = 1000

/** Whether a checkpoint just written is one after which older ones are thinned; `before` is the version of the one before, -1 without. */
export function thinningDue(version: number, before: number): boolean {
  return Math.floor(version / thinnedEvery) !== Math.floor(Math.max(0, before) / thinnedEvery)
}

/** Thins the checkpoints of a log. `held` are versions whose checkpoints stay; `now` is the store's time in milliseconds. */
export async function thinCheckpoints(store: ObjectStore, held: ReadonlySet<number>, now: number): Promise<void> {
  const listing = await readListing(store)
  const dropped = new Set(toDrop(listing, held))
  if (dropped.size === 0) return
  await deleteAll(
    store,
    listing.checkpoints.filter(({ version }) => dropped.has(version)).map(({ key }) => key),
  )
  await removeUnnamedSidecars(store, now)
}

/** Versions whose checkpoints can go, newest first. */
export function toDrop({ checkpoints, commits }: Listing, held: ReadonlySet<number>): number[] {
  const versions = completeVersions(checkpoints).reverse()
  const newest = versions[0]
  if (newest === undefined) return []
  const dropped: number[] = []
  let kept = versions[lastFew - 1] ?? newest
  for (let i = lastFew; i < versions.length - 1; i += 1) {
    const [version, older] = [versions[i]!, versions[i + 1]!]
    const near = newest - older <= 2 * (newest - kept)
    if (near && !held.has(version) && isWhole(commits, older, version)) dropped.push(version)
    else kept = version
  }
  return dropped
}

function isWhole(commits: ReadonlySet<number>, after: number, until: number): boolean {
  for (let version = after + 1; version <= until; version += 1) if (!commits.has(version)) return false
  return true
}
