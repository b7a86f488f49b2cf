/**
 * What Git knows around a table: who works here, and the commit that a tag is put on. Git is asked as a child process in the current folder;
 * where there is no Git, or no repository, there is nothing to know.
 */
import { execFile } from 'node:child_process'
import { userInfo } from 'node:os'
import { TagExistsError, UsageError } from '../errors/index.ts'

const authors = new Map<string, Promise<string | null>>()

/** Who works in the current folder: Git's user there, else the operating system's; `null` where nobody can be named. Asked once a folder. */
export function currentAuthor(): Promise<string | null> {
  const folder = process.cwd()
  const known = authors.get(folder) ?? askAuthor()
  authors.set(folder, known)
  return known
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

async function askAuthor(): Promise<string | null> {
  const name = await git('config', '--get', 'user.name')
  if (name.ok && name.text !== '') {
    const email = await git('config', '--get', 'user.email')
    return email.ok && email.text !== '' ? `${name.text} <${email.text}>` : name.text
  }
  try {
    return userInfo().username || null
  } catch {
    return null
  }
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
