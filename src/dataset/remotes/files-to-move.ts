/**
 * The files that a log names, as those who move them need to know them: by key, each once, with the length and the hash that it must have.
 *
 * What a log names is a stranger's word where it comes from a remote. A file that arrives goes under the table's root and nowhere else: a path
 * that is absolute or climbs out is refused, and so is one in the folders of the log and of our records, where a data file would become part
 * of them. A shallow clone names files of another table by absolute path; its own folder does not hold what it is, so it is not moved.
 */
import { vectorPath } from '../../data/vectors/descriptor.ts'
import { DataFileError } from '../../errors/index.ts'
import {
  type Add,
  type Commit,
  type DeletionVectorDescriptor,
  decodePath,
  type LiveFile,
  logFolder,
  parseActions,
} from '../../log/index.ts'
import { checkKey, type ObjectStore } from '../../storage/index.ts'

/** A file that versions name. */
export interface FileToMove {
  readonly key: string
  /** Bytes; `undefined` of a file of deletion vectors, whose length no log has. */
  readonly size: number | undefined
  /** Its SHA-256 in hex where the log has it. */
  readonly sha256: string | undefined
  /** The deletion vectors in it that are named, each with the data file that it is of; none of a data file. */
  readonly vectors: { readonly descriptor: DeletionVectorDescriptor; readonly path: string }[]
  /** The version whose commit, or list of files, names it first. */
  readonly version: number
  /** Whether the version before all commits that were added had it: they only say something new of it, such as another deletion vector. */
  readonly wasThere: boolean
}

/** Files that commits and versions name. */
export class FilesToMove {
  readonly byKey = new Map<string, FileToMove>()
  readonly #store: ObjectStore
  readonly #removed = new Set<string>()

  /** `store`: where the log lies, for messages. */
  constructor(store: ObjectStore) {
    this.#store = store
  }

  /** Adds what a commit names, change files too; commits come in their order. @throws DataFileError PATH_OUTSIDE_ROOT, PATH_RESERVED; LogError LOG_CORRUPT */
  addCommit(commit: Pick<Commit, 'version' | 'bytes'>): void {
    const { version } = commit
    const added: Add[] = []
    for (const action of parseActions(commit)) {
      if ('add' in action) added.push(action.add)
      else if ('cdc' in action) this.#addFile(action.cdc, version, false)
      // Nothing of it is moved, but other engines delete by what it names.
      else if ('remove' in action) this.#removed.add(movableKey(action.remove.path, this.#store))
    }
    for (const add of added) this.#add(add, version)
  }

  /** Adds the files of a version. @throws DataFileError PATH_OUTSIDE_ROOT, PATH_RESERVED */
  addLive(live: readonly Pick<LiveFile, 'add'>[], version: number): void {
    for (const { add } of live) this.#add(add, version)
  }

  #add(add: Add, version: number): void {
    const key = this.#addFile(add, version, true)
    const { deletionVector: descriptor } = add
    const named = descriptor ? vectorPath(descriptor) : undefined
    if (!descriptor || named === undefined) return
    const vectors = checked(named, this.#store)
    const there = this.byKey.get(vectors)
    if (there) there.vectors.push({ descriptor, path: key })
    else {
      const file = { key: vectors, size: undefined, sha256: undefined, vectors: [{ descriptor, path: key }], version, wasThere: false }
      this.byKey.set(vectors, file)
    }
  }

  #addFile({ path, size, tags }: Pick<Add, 'path' | 'size' | 'tags'>, version: number, mayBeThere: boolean): string {
    const key = movableKey(path, this.#store)
    if (this.byKey.has(key)) return key
    const hash = tags?.['varve.sha256']
    const sha256 = typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash) ? hash : undefined
    this.byKey.set(key, { key, size, sha256, vectors: [], version, wasThere: mayBeThere && this.#removed.has(key) })
    return key
  }
}

/** The key that a path of a log stands for. @throws DataFileError PATH_OUTSIDE_ROOT, PATH_RESERVED */
function movableKey(path: string, store: ObjectStore): string {
  return checked(decodePath(path), store)
}

function checked(path: string, store: ObjectStore): string {
  if (path.startsWith('/')) {
    throw new DataFileError(
      'PATH_OUTSIDE_ROOT',
      `The log of ${store.root} names the file ${path}, which lies outside the table's folder.`,
      {
        remedy: 'Make a table that holds all of its files, a deep clone, and move that.',
        data: { path, root: store.root },
      },
    )
  }
  checkKey(path)
  const [first = ''] = path.split('/')
  // A file system that knows no case takes other spellings for the same folder.
  if ([logFolder, '_varve'].includes(first.normalize('NFKC').toLowerCase())) {
    throw new DataFileError(
      'PATH_RESERVED',
      `The log of ${store.root} names ${path} as a file of rows, which belongs to the table itself.`,
      {
        remedy: 'Check who wrote this log: no engine puts rows there.',
        data: { path, root: store.root },
      },
    )
  }
  return path
}
