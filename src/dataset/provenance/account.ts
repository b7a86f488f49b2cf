/**
 * What a version says of where it comes from, found out while its rows are written: who writes, the Git commit of the current folder, the
 * command, the code. Nothing of it can make a write fail: what cannot be found out is not told.
 */
import { basename } from 'node:path'
import { isTraced, readFrom } from '../../data/index.ts'
import { keptCommand, type TableInput, type VersionInput } from '../../log/index.ts'
import type { AccountOptions, ProvenanceOptions } from '../../operations/provenance.ts'
import { hashFile } from '../../storage/index.ts'
import type { Account } from '../../transaction/index.ts'
import { currentAuthor, currentGitState } from '../git.ts'
import { codeHashes, toldPath } from './code.ts'

/** The options of a writing verb with its account begun. */
export function withAccount<Options extends AccountOptions>(options: Options): Options {
  if (options.provenance === false || options.account !== undefined) return options
  const account = accountOf(options.provenance ?? {})
  // The commit waits for it, or there is none.
  account.catch(() => undefined)
  return { ...options, account }
}

async function accountOf({ author, git, command, code, inputs }: ProvenanceOptions): Promise<Account> {
  const [who, tree, hashes, named] = await Promise.all([
    author === undefined ? currentAuthor().catch(() => null) : author,
    git === undefined ? currentGitState().catch(() => null) : git,
    code === false ? [] : codeHashes(code === undefined ? ownScript() : [code].flat()),
    inputs === false ? undefined : Promise.all((inputs ?? []).map(inputOf)),
  ])
  const words = command === false ? [] : command === undefined ? ownCommand() : [command].flat()
  return {
    ...(who ? { author: who } : {}),
    ...(tree ? { git: tree } : {}),
    ...(words.length > 0 ? { command: keptCommand(words) } : {}),
    ...(hashes.length > 0 ? { code: hashes } : {}),
    inputs: named?.flat(),
  }
}

/** The script that the process was started with. */
function ownScript(): string[] {
  const script = process.argv[1]
  return script === undefined ? [] : [script]
}

/** The name of the script and its arguments. */
function ownCommand(): string[] {
  const [, script, ...rest] = process.argv
  return script === undefined ? [] : [basename(script), ...rest]
}

async function inputOf(input: Exclude<ProvenanceOptions['inputs'], undefined | false>[number]): Promise<readonly VersionInput[]> {
  if (isTraced(input)) return input[readFrom]()
  if (typeof input !== 'string') return [input satisfies TableInput]
  const hashed = await hashFile(input).catch(() => undefined)
  return [{ file: toldPath(input), ...(hashed && { bytes: hashed.size, sha256: hashed.sha256 }) }]
}
