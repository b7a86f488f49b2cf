/**
 * What other writers committed between the version that a transaction read and the one that it is to be put on: gathered commit by
 * commit, and judged at the end (`conflict.ts`).
 */
import { vectorId } from '../data/vectors/descriptor.ts'
import { type Action, type Add, decodePath, type Remove } from '../log/index.ts'

/** The commits that came between. */
export class Winners {
  /** The first version that changed the table's metadata; the protocol. */
  metadata: number | undefined
  protocol: number | undefined
  /** The version that touched a domain last, by its name. */
  readonly domains = new Map<string, number>()
  /** Files with new rows, by their decoded paths, with the version that added them; files of blind appends apart. */
  readonly added = new Map<string, number>()
  readonly appended = new Map<string, number>()
  /** Files that lost rows, or are gone, with the version that did it last. */
  readonly lost = new Map<string, number>()
  /** Files whose rows were moved to others as they are, with the version. */
  readonly moved = new Map<string, number>()
  /** The last version that was taken in. */
  last: number

  /** @param version The version that the transaction read. */
  constructor(version: number) {
    this.last = version
  }

  /** Whether one of them added or took away files. */
  get touches(): boolean {
    return [this.added, this.appended, this.lost, this.moved].some(({ size }) => size > 0)
  }

  /** Takes in the commit of the next version. */
  take(version: number, actions: Iterable<Action>): void {
    this.last = version
    const adds: Add[] = []
    const removes: Remove[] = []
    let [blind, restores] = [false, false]
    for (const action of actions) {
      if ('add' in action) adds.push(action.add)
      else if ('remove' in action) removes.push(action.remove)
      else if ('metaData' in action) this.metadata ??= version
      else if ('protocol' in action) this.protocol ??= version
      else if ('domainMetadata' in action) this.domains.set(action.domainMetadata.domain, version)
      else if ('commitInfo' in action) {
        blind = action.commitInfo.isBlindAppend === true
        restores = action.commitInfo.operation === 'RESTORE'
      }
    }
    const gone = new Map(removes.map((remove) => [decodePath(remove.path), remove]))
    for (const add of adds) {
      const path = decodePath(add.path)
      const again = gone.get(path)
      if (again !== undefined && !restores && hasNoNewRows(add, again)) continue
      if (add.dataChange !== false) (blind && removes.length === 0 ? this.appended : this.added).set(path, version)
    }
    for (const [path, { dataChange }] of gone) (dataChange === false ? this.moved : this.lost).set(path, version)
  }
}

/** A file that is added again with another vector has only lost rows, unless a restore took a vector back. */
function hasNoNewRows(add: Add, before: Remove): boolean {
  const [now, then] = [add.deletionVector, before.deletionVector]
  const same = now && then ? vectorId(now) === vectorId(then) : !now && !then
  return same || cardinality(add) > cardinality(before)
}

function cardinality({ deletionVector }: Add | Remove): number {
  return Number(deletionVector?.cardinality ?? 0)
}
