/**
 * Which sidecars of a V2 checkpoint the next one takes over, and which it writes (§Sidecar Files).
 *
 * A sidecar holds files or tombstones, not both, and says which in its tags; every entry of it must hold. So one of whose entries some
 * no longer hold is written anew without them, and the others are named again as they are. What is new becomes a sidecar of its own,
 * together with those that are no larger: each small one left is then larger than all smaller ones together, and their number grows
 * with the logarithm of what is in them.
 */
/** What a sidecar's entries are. */
export type SidecarKind = 'add' | 'remove'

/** The tag that says what a sidecar of ours holds. */
export const kindTag = 'varve.actions'

/** The tag that says which form the files in a sidecar of ours have: what `AddForm.id` is. */
export const formTag = 'varve.form'

/** A sidecar as a checkpoint names it (§Sidecar File Information). */
export interface Sidecar {
  readonly path: string
  readonly sizeInBytes: number
  readonly modificationTime: number
  readonly tags?: Readonly<Record<string, string>> | null
}

/** A sidecar held against the commits since. */
export interface JudgedSidecar {
  readonly sidecar: Sidecar
  readonly rows: number
  /** Entries that no longer hold. */
  readonly stale: number
}

/** What becomes of the sidecars of one kind. */
export interface SidecarPlan {
  /** Named again as they are. */
  readonly kept: readonly JudgedSidecar[]
  /** Each written anew without what no longer holds. */
  readonly rewritten: readonly JudgedSidecar[]
  /** Written together with what is new. */
  readonly merged: readonly JudgedSidecar[]
}

/** A sidecar of at least so many entries is large: it is never merged into another. */
export const largeSidecar = 50_000

/** Decides over the sidecars of one kind; `fresh` is the number of new entries. */
export function planSidecars(sidecars: readonly JudgedSidecar[], fresh: number, large = largeSidecar): SidecarPlan {
  const kept: JudgedSidecar[] = []
  const rewritten: JudgedSidecar[] = []
  const merged: JudgedSidecar[] = []
  let together = fresh
  for (const each of sidecars) {
    const live = each.rows - each.stale
    if (each.stale === 0 && live > 0) kept.push(each)
    else if (live >= large) rewritten.push(each)
    else if (live > 0) {
      merged.push(each)
      together += live
    }
  }
  if (together > 0) {
    const small = kept.filter((each) => each.rows < large).sort((a, b) => a.rows - b.rows)
    for (const each of small) {
      if (each.rows > together) break
      kept.splice(kept.indexOf(each), 1)
      merged.push(each)
      together += each.rows
    }
  }
  return { kept, rewritten, merged }
}

/** What a sidecar of ours holds; `undefined` where another writer made it. */
export function kindOf(sidecar: Sidecar): SidecarKind | undefined {
  const kind = sidecar.tags?.[kindTag]
  return kind === 'add' || kind === 'remove' ? kind : undefined
}
