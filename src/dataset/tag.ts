/**
 * The verbs on tags: a version gets a name, with what it holds and who named it; and loses it again.
 *
 * The record is made first and the version looked for afterwards: a vacuum that reads what is held before the record is there may end the
 * version meanwhile, and then the tag is taken back.
 */
import { UsageError } from '../errors/index.ts'
import type { DeltaLog } from '../log/index.ts'
import { type AsOf, stateAsOf } from '../query/as-of.ts'
import { nameOfStore } from '../query/index.ts'
import { checkName } from '../refs/names.ts'
import { removeTag, type Tag, takeBackTag, writeTag } from '../refs/tags.ts'
import { knownFingerprints } from './fingerprints.ts'
import { checkGitTag, currentAuthor, makeGitTag } from './git.ts'

/** Options of `table.tag`. */
export interface TagOptions {
  /** The version to tag. Default: the newest. */
  readonly version?: number | undefined
  /** The same as any point of the history; one of the two at most. */
  readonly asOf?: AsOf | undefined
  /** Why, for people. */
  readonly message?: string | undefined
  /** Moves a tag that is there; its earlier place stays on record. Default `false`. */
  readonly force?: boolean | undefined
  /** Puts an annotated Git tag `dataset-<name>` on the commit that the current folder is at, with the fingerprints in its message. Default `false`. */
  readonly git?: boolean | undefined
  /** Default: Git's user in the current folder, else the operating system's. */
  readonly author?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Options of `table.untag`. */
export type UntagOptions = Pick<TagOptions, 'author' | 'signal'>

/**
 * Gives a version a name.
 * @throws UsageError INVALID_NAME, INVALID_ARGUMENT, GIT_UNAVAILABLE; TagExistsError; ConflictError TAG_MOVED; VersionNotFoundError;
 * UnknownOutcomeError; LogError; storage errors
 */
export async function tagVersion(log: DeltaLog, name: string, options: TagOptions = {}): Promise<Tag> {
  checkName(name, 'tag')
  const { version, asOf, message, force = false, git = false, signal } = options
  if (version !== undefined && asOf !== undefined) {
    throw new UsageError('INVALID_ARGUMENT', 'A tag names one version, and two were given.', { remedy: 'Leave out version, or asOf.' })
  }
  const point = asOf ?? version
  const state = point === undefined ? await log.update(signal) : await stateAsOf(log, point, signal)
  if (git) await checkGitTag(gitName(name), force)
  const { store } = log
  const known = await knownFingerprints(log, state.version, signal)
  const fingerprints = { ...known, id: known.id ?? (await log.computeId(state.version, signal)) }
  const author = options.author ?? (await currentAuthor())
  const facts = { name, version: state.version, rows: state.counts?.rows ?? null, fingerprints, author }
  const tag = await writeTag(store, { ...facts, message: message ?? null, time: new Date() }, { force, signal })
  await checkStillThere(log, tag)
  if (git) await makeGitTag(gitName(name), gitMessage(nameOfStore(store), tag), force)
  return tag
}

/** Takes a name from its version. @returns The tag as it was. @throws VersionNotFoundError TAG_NOT_FOUND; ConflictError TAG_MOVED; storage errors */
export async function untag(log: DeltaLog, name: string, options: UntagOptions = {}): Promise<Tag> {
  const { author = await currentAuthor(), signal } = options
  return removeTag(log.store, name, { author, time: new Date(), signal })
}

async function checkStillThere(log: DeltaLog, tag: Tag): Promise<void> {
  if (await log.has(tag.version)) return
  await takeBackTag(log.store, tag)
  throw await log.versionNotFound(tag.version)
}

function gitName(name: string): string {
  return `dataset-${name}`
}

function gitMessage(table: string, { version, message, fingerprints }: Tag): string {
  const known = Object.entries(fingerprints).filter(([, value]) => value !== null)
  const lines = [`Varve-Table: ${table}`, `Varve-Version: ${version}`, ...known.map(([kind, value]) => `Varve-${capital(kind)}: ${value}`)]
  return `${message ?? `Version ${version} of ${table}`}\n\n${lines.join('\n')}\n`
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
