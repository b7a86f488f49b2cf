/** In which versions of a table each of its files is, deletion vectors' files too. */
import { vectorPath } from '../../data/vectors/descriptor.ts'
import { type Add, type Commit, decodePath, type LiveFile, parseActions } from '../../log/index.ts'

/** From which version to which a file is one of a version's, both meant; `to` is `undefined` while it goes on. */
interface Life {
  readonly from: number
  to: number | undefined
}

/** The lives of files, by key, as commits tell of them one after the other. */
export class FileLives {
  readonly spans = new Map<string, Life[]>()

  /** Begins with the files of a version. */
  constructor(live: readonly Pick<LiveFile, 'add'>[], version: number) {
    for (const { add } of live) this.#begin(add, version)
  }

  /** Takes the next commit. @throws LogError LOG_CORRUPT */
  follow(commit: Pick<Commit, 'version' | 'bytes'>): void {
    const actions = [...parseActions(commit)]
    // What a commit adds is there, whatever it removes of the same name.
    for (const action of actions) if ('remove' in action) this.#end(action.remove, commit.version)
    for (const action of actions) if ('add' in action) this.#begin(action.add, commit.version)
  }

  #begin(add: Pick<Add, 'path' | 'deletionVector'>, version: number): void {
    for (const key of keysOf(add)) {
      const spans = this.spans.get(key) ?? []
      this.spans.set(key, spans)
      // One that goes on, as a file that only gets another vector, is no new one.
      const last = spans.at(-1)
      if (last !== undefined && last.to === undefined) continue
      if (last?.to === version - 1) last.to = undefined
      else spans.push({ from: version, to: undefined })
    }
  }

  #end(remove: Pick<Add, 'path' | 'deletionVector'>, version: number): void {
    for (const key of keysOf(remove)) {
      const last = this.spans.get(key)?.at(-1)
      if (last !== undefined && last.to === undefined) last.to = version - 1
    }
  }
}

function keysOf({ path, deletionVector }: Pick<Add, 'path' | 'deletionVector'>): string[] {
  const vector = deletionVector ? vectorPath(deletionVector) : undefined
  return [decodePath(path), ...(vector === undefined ? [] : [vector])]
}
