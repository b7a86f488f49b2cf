/** Where a version comes from, in the few words that a list or a table of facts has room for. */
import type { HistoryEntry, Provenance, VersionInput } from '../../index.ts'
import type { Fact } from './facts.ts'
import { byteSize, counted, shortDigest } from './human.ts'
import { change } from './written.ts'

/** Who wrote it, without the address. */
export function personOf({ author }: Provenance): string {
  return author?.replace(/\s*<[^>]*>$/, '') ?? ''
}

/** The inputs by their last names, the first few of them: `january.csv, orders@3`. */
export function inputNames({ inputs }: Provenance): string {
  const names = inputs.flatMap((input) => nameOf(input) ?? [])
  const shown = names.slice(0, 2).join(', ')
  return names.length > 2 ? `${shown} and ${names.length - 2} more` : shown
}

/** The Git commit, with a star where files were changed. */
export function codeState({ git }: Provenance): string {
  return git === null ? '' : `${git.commit.slice(0, 10)}${git.dirty ? '*' : ''}`
}

/** What it did, in a few words: from its metrics, or where they count no rows, from the rows that came and went. */
export function changeOf({ metrics, changed }: HistoryEntry): string {
  const told = change(metrics)
  if (told !== '' || changed === null) return told
  const { added, removed } = changed.rows
  return [added ? `+${counted(added, 'row')}` : '', removed ? `-${counted(removed, 'row')}` : ''].filter((word) => word !== '').join(' ')
}

/** All of it as facts, a name and a value each; a name that is the same as the one before is left out. */
export function provenanceFacts(of: Provenance): Fact[] {
  const { author, inputs, git, command, code } = of
  const branch = git?.branch === undefined ? '' : ` on ${git.branch}`
  return [
    ['author', author ?? ''],
    ...inputs.map((input, at): Fact => [at === 0 ? 'from' : '', inputFact(input)]),
    ['git', git === null ? '' : `${git.commit}${branch}${git.dirty ? ', with changed files' : ''}`],
    ['command', command?.map(shellWord).join(' ') ?? ''],
    ...code.map(({ file, sha256 }, at): Fact => [at === 0 ? 'code' : '', `${file ?? 'text'}, sha256 ${shortDigest(sha256)}`]),
  ]
}

/** The last part of a table's URL, as people spell it. */
export function tableName(url: string): string {
  const last = url.replace(/\/+$/, '').split('/').at(-1) ?? url
  try {
    return decodeURIComponent(last)
  } catch {
    return last
  }
}

function nameOf(input: VersionInput): string | undefined {
  if ('query' in input) return undefined
  if ('file' in input) return input.file === '-' ? 'stdin' : (input.file.split('/').at(-1) ?? input.file)
  return `${tableName(input.table)}@${input.version}`
}

function inputFact(input: VersionInput): string {
  if ('query' in input) return input.query.replace(/\s+/g, ' ')
  if ('file' in input) {
    const { file, bytes, sha256 } = input
    return [
      file === '-' ? 'stdin' : file,
      bytes === undefined ? '' : byteSize(bytes),
      sha256 === undefined ? '' : `sha256 ${shortDigest(sha256)}`,
    ]
      .filter((word) => word !== '')
      .join(', ')
  }
  const { table, version, from, id } = input
  return `${table}@${version}${from === undefined ? '' : ` (changes from ${from})`}${id === null ? '' : `, id ${shortDigest(id)}`}`
}

function shellWord(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
