/**
 * One commit: reading its lines, and the fingerprint that chains it to its parent.
 *
 * A commit is read once, as bytes; the lines are parsed when asked. Blank lines are passed over; a line that is no JSON object is an
 * error that names the version and the line (§Delta Log Entries).
 */
import { createHash } from 'node:crypto'
import { LogError, ObjectNotFoundError } from '../errors/index.ts'
import { parseJson } from '../schema/json.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { shapeProblem, tidyInfo } from './action-shape.ts'
import type { Action, CommitInfo } from './actions.ts'
import { commitKey } from './paths.ts'

/** The parent of a chain's first commit. */
const chainStart = '0'

/** A commit as it lies in the log. */
export interface Commit {
  readonly version: number
  readonly bytes: Uint8Array
  /** The store's time of the file, in milliseconds since the epoch. */
  readonly modified: number
}

/** Reads a commit. @throws ObjectNotFoundError where there is none. */
export async function readCommit(store: ObjectStore, version: number, signal?: AbortSignal): Promise<Commit> {
  const { bytes, meta } = await store.get(commitKey(version), { signal })
  return { version, bytes, modified: meta.modified.getTime() }
}

/** The same, or `undefined` where there is no such commit: never written, or cleaned up. */
export async function readCommitIfThere(store: ObjectStore, version: number, signal?: AbortSignal): Promise<Commit | undefined> {
  try {
    return await readCommit(store, version, signal)
  } catch (error) {
    if (error instanceof ObjectNotFoundError) return undefined
    throw error
  }
}

/** The actions of a commit, unknown ones too, in their order. @throws LogError LOG_CORRUPT naming version and line. */
export function* parseActions(commit: Pick<Commit, 'version' | 'bytes'>): Generator<Action> {
  let line = 0
  for (const text of linesOf(commit.bytes)) {
    line += 1
    if (text.trim() === '') continue
    yield parseLine(text, commit.version, line)
  }
}

/** The lines one by one: a commit may be longer than a text can be. */
function* linesOf(bytes: Uint8Array): Generator<string> {
  if (bytes.length < 1 << 20) return yield* new TextDecoder().decode(bytes).split('\n')
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let start = 0
  while (start < buffer.length) {
    const found = buffer.indexOf(10, start)
    const end = found < 0 ? buffer.length : found
    const line = buffer.subarray(start, end)
    yield start === 0 ? new TextDecoder().decode(line) : line.toString()
    start = end + 1
  }
}

/** The commit's own account of itself, wherever it stands in the commit; empty where another engine left it out. */
export function commitInfoOf(commit: Pick<Commit, 'version' | 'bytes'>): CommitInfo {
  const text = new TextDecoder().decode(commit.bytes)
  const lines = text.split('\n')
  for (const [index, line] of lines.entries()) {
    if (!line.includes('"commitInfo"')) continue
    const action = parseLine(line, commit.version, index + 1)
    if ('commitInfo' in action) return action.commitInfo
  }
  return {}
}

/**
 * The id of a version: SHA-256 over the parent's id and the commit's bytes, in hex. The same id means the same history. `null` starts
 * a chain.
 */
export function chainId(parent: string | null, bytes: Uint8Array): string {
  return createHash('sha256')
    .update(parent ?? chainStart)
    .update(bytes)
    .digest('hex')
}

/** Whether two accounts may be of one commit: not every writer gives a `txnId`. */
export function isSameTransaction(one: string | null | undefined, other: string | null | undefined): boolean {
  return one == null || other == null || one === other
}

/** A hole in the log, named. */
export function gap(store: ObjectStore, version: number): LogError {
  return new LogError('LOG_GAP', `The log of ${store.root} has no commit of version ${version}, though later ones are there.`, {
    remedy: `Restore ${commitKey(version)} from a backup or a remote.`,
    data: { root: store.root, version, file: commitKey(version) },
  })
}

/** The actions of one line; those that it names as null are left out. @throws LogError LOG_CORRUPT naming version and line. */
export function parseLine(text: string, version: number, line: number): Action {
  const value = parseObject(text, version, line)
  // Some writers spell out the actions that a line is not.
  const actions = Object.entries(value).filter(([, action]) => action !== null)
  for (const [kind, action] of actions) {
    const problem = shapeProblem(kind, action)
    if (problem !== undefined) throw corrupt(version, line, undefined, `holds what is no action: ${problem}`)
  }
  const action = Object.fromEntries(actions) as unknown as Action
  return 'commitInfo' in action ? { ...action, commitInfo: tidyInfo(action.commitInfo) } : action
}

/** The object of a line, whatever it says. @throws LogError LOG_CORRUPT naming version and line. */
export function parseObject(text: string, version: number, line: number): object {
  let value: unknown
  try {
    value = parseJson(text)
  } catch (cause) {
    throw corrupt(version, line, cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw corrupt(version, line)
  return value
}

function corrupt(version: number, line: number, cause?: unknown, what = 'is no JSON object'): LogError {
  return new LogError('LOG_CORRUPT', `Line ${line} of the commit of version ${version} ${what}.`, {
    remedy: `Restore ${commitKey(version)} from a backup or a remote.`,
    data: { version, line, file: commitKey(version) },
    cause,
  })
}
