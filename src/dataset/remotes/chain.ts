/** Whether commits that arrive are those that were written after one another: each of ours says the id of all that came before it. */
import { LogError } from '../../errors/index.ts'
import { type Commit, chainId, commitInfoOf, commitKey } from '../../log/index.ts'
import type { ObjectStore } from '../../storage/index.ts'

/** The chain of ids of a log, followed commit by commit. */
export class Chain {
  readonly #store: ObjectStore
  #id: string | null

  /** `id`: of the version before the first commit; `null` where there is none, or it is not known. */
  constructor(store: ObjectStore, id: string | null) {
    this.#store = store
    this.#id = id
  }

  /** Follows the chain to the next commit. @throws LogError LOG_CORRUPT where it was written after another history */
  follow(commit: Pick<Commit, 'version' | 'bytes'>): void {
    const { version, bytes } = commit
    const ours = commitInfoOf(commit).varve
    if (ours && ours.parent !== null && this.#id !== null && ours.parent !== this.#id) throw broken(this.#store, version)
    if (ours) this.#id = chainId(ours.parent, bytes)
    else this.#id = version === 0 || this.#id !== null ? chainId(this.#id, bytes) : null
  }
}

function broken({ root }: ObjectStore, version: number): LogError {
  return new LogError(
    'LOG_CORRUPT',
    `The commits of ${root} before version ${version} are not those that it was written after: one of them was changed.`,
    {
      remedy: 'Look with varve verify which, and restore it from another copy of the log.',
      data: { root, version, file: commitKey(version) },
    },
  )
}
