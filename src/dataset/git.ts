/**
 * What Git knows around a table: who works here, the state of the work tree, and the commit that a tag is put on. Git is asked as a child
 * process; where there is no Git, or no repository, there is nothing to know.
 */
import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { TagExistsError, UsageError } from '../errors/index.ts'
import type { GitState } from '../log/index.ts'

const authors = new Map<string, Promise<string | null>>()

const states = new Map<string, { readonly state: Promise<GitState | null>; until: number }>()

/** An answer is good for so many times as long as it took, and at least for so many milliseconds: asking must cost next to nothing. */
const [freshTimes, freshFor] = [100, 1000]

/** Milliseconds after which Git is not waited for any longer. */
const patience = 2000

/** Who works in a folder (default: the current one): Git's user there, else the operating system's; `null` where nobody can be named. Asked once a folder. */
export function currentAuthor(folder: string = process.cwd()): Promise<string | null> {
  const known = authors.get(folder) ?? askAuthor(folder)
  authors.set(folder, known)
  return known
}

/**
 * The commit that a folder is at (default: the current one), and whether files that Git knows were changed; `null` where that is not known. One
 * answer serves all who ask soon after, so that many small writes ask little, and a process that runs for days moves on with its folder.
 */
export function currentGitState(folder: string = process.cwd()): Promise<GitState | null> {
  const known = states.get(folder)
  if (known !== undefined && performance.now() < known.until) return known.state
  const asked = { state: askState(folder), until: Number.POSITIVE_INFINITY }
  states.set(folder, asked)
  const began = performance.now()
  asked.state.then(() => {
    const ended = performance.now()
    asked.until = ended + Math.max(freshFor, freshTimes * (ended - began))
  })
  return asked.state
}

/**
 * Makes sure that a Git tag can be put on the current commit.
 * @throws UsageError GIT_UNAVAILABLE where there is no commit to put it on; TagExistsError TAG_EXISTS, unless with `force`
 */
export async function checkGitTag(name: string, force: boolean): Promise<void> {
  const head = await git('rev-parse', '--verify', '--quiet', 'HEAD^{commit}')
  if (!head.ok) {
    throw new UsageError('GIT_UNAVAILABLE', `There is no Git commit in ${process.cwd()} that could be tagged.`, {
      remedy: 'Run it inside a Git repository that has a commit, or leave the Git tag out.',
      data: { folder: process.cwd() },
    })
  }
  if (force || !(await git('rev-parse', '--verify', '--quiet', `refs/tags/${name}`)).ok) return
  throw new TagExistsError('TAG_EXISTS', `The Git repository has a tag ${name} already.`, {
    remedy: 'Give the version another name, or move both tags with force (--force).',
    data: { tag: name },
  })
}

/** Puts an annotated tag on the current commit; with `force` moves one that is there. @throws UsageError GIT_UNAVAILABLE with what Git says */
export async function makeGitTag(name: string, message: string, force: boolean): Promise<void> {
  const made = await git('tag', '--annotate', ...(force ? ['--force'] : []), '--cleanup=verbatim', '--message', message, name)
  if (made.ok) return
  throw new UsageError('GIT_UNAVAILABLE', `The table has its tag, but Git did not make ${name}: ${made.text}`, {
    remedy: `Mend what Git says, and run the same again with force (--force).`,
    data: { tag: name },
  })
}

/**
 * Whether Git leaves a path out in the work tree that a folder lies in; `undefined` where there is no Git, no work tree, or the path is not in it.
 * The path need not be there.
 */
export async function isIgnored(folder: string, path: string): Promise<boolean | undefined> {
  const { code } = await git('-C', folder, 'check-ignore', '--quiet', '--', path)
  return code === 0 ? true : code === 1 ? false : undefined
}

async function askAuthor(folder: string): Promise<string | null> {
  const { ok, text } = await patiently(git('-C', folder, 'config', '--null', '--get-regexp', String.raw`^user\.(name|email)$`))
  const settings = ok ? text.split('\0').map((line): [string, string] => [line.split('\n', 1)[0]!, line.slice(line.indexOf('\n') + 1)]) : []
  // Of a name that is set more than once, the last counts.
  const { 'user.name': name, 'user.email': email } = Object.fromEntries(settings) as Record<string, string | undefined>
  if (name) return email ? `${name} <${email}>` : name
  try {
    return userInfo().username || null
  } catch {
    return null
  }
}

/** No answer is one, too, where Git is silent for long: a write waits for it. */
function patiently(answer: ReturnType<typeof git>): Promise<{ ok: boolean; text: string }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve({ ok: false, text: '' }), patience)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** Only what Git knows counts as changed: data that lies beside the code does not. Nothing that the repository names is run. */
async function askState(cwd: string): Promise<GitState | null> {
  const status = ['status', '--porcelain=v2', '--branch', '--untracked-files=no', '--ignore-submodules=dirty']
  const lines = await new Promise<string>((resolve) => {
    const options = { cwd, encoding: 'utf8', timeout: patience, maxBuffer: 1 << 20 } as const
    // Where more was changed than fits, what was printed says enough.
    execFile('git', ['--no-optional-locks', '-c', 'core.fsmonitor=false', ...status], options, (error, stdout) =>
      resolve(error === null || error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER' ? stdout : ''),
    )
  }).catch(() => '')
  const [, commit] = /^# branch\.oid ([0-9a-f]{40,64})$/m.exec(lines) ?? []
  if (commit === undefined) return null
  const [, branch] = /^# branch\.head (.*)$/m.exec(lines) ?? []
  return { commit, ...(branch === undefined || branch === '(detached)' ? {} : { branch }), dirty: /^[12u] /m.test(lines) }
}

/** Runs Git; `text` is what it printed, or what it complained about, `code` its exit code, where it could be run. */
function git(...args: readonly string[]): Promise<{ ok: boolean; code: number | undefined; text: string }> {
  return new Promise((resolve) => {
    const child = execFile('git', args, { encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({
        ok: error === null,
        code: child.exitCode ?? undefined,
        text: (error ? stderr.trim() || error.message : stdout).trim(),
      }),
    )
  })
}
