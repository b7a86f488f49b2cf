/** What a writing verb reports: as JSON `version, operation, alreadyApplied, metrics`, or as a sentence. */
import type { CommitResult } from '../../index.ts'
import type { Invocation } from '../verb.ts'
import { byteSize, counted, duration } from './human.ts'
import { jsonLine } from './json.ts'

/** What is told of a commit besides its result. */
interface Telling {
  /** The `--txn` of the call. */
  readonly txn?: string | undefined
  /** When the call began, in milliseconds since 1970. */
  readonly began: number
  /** What the commit did, in words. Default: what its metrics say. */
  readonly what?: string
  /** What JSON tells besides. Default: nothing. */
  readonly more?: Readonly<Record<string, unknown>>
}

/** Prints the result of a commit, and its warnings. */
export async function printWritten(
  call: Invocation,
  path: string,
  result: CommitResult,
  { txn, began, what = described(result), more }: Telling,
): Promise<void> {
  const { version, operation, alreadyApplied, metrics } = result
  for (const warning of result.warnings) call.warn(warning)
  if (call.json) return call.output.write(jsonLine({ version, operation, alreadyApplied, metrics, ...more }))
  if (call.quiet) return
  if (alreadyApplied)
    return call.output.write(`${txn ?? 'This load'} was applied before: nothing changed, ${path} is at version ${version}.\n`)
  await call.output.write(`${path}@${version}: ${what}, ${duration(Date.now() - began)}\n`)
}

function described({ operation, metrics }: CommitResult): string {
  const words = change(metrics)
  if (words !== '') return words
  if (operation !== 'CREATE TABLE') return 'no rows, nothing changed'
  return 'numFiles' in metrics ? 'created' : 'there already, left as it is'
}

/**
 * What a commit did, in a few words, from the metrics that history keeps as text: `+500,000 rows in 1 file (13.4 MB)`,
 * `-20 rows`, `+300 rows ~500 rows -8 rows`.
 */
export function change(metrics: Readonly<Record<string, unknown>>): string {
  const number = (...names: string[]) => {
    const name = names.find((one) => one in metrics)
    return name === undefined ? undefined : Number(metrics[name])
  }
  const [added, changed, gone] = [
    number('numTargetRowsInserted'),
    number('numTargetRowsUpdated', 'numUpdatedRows'),
    number('numTargetRowsDeleted', 'numDeletedRows'),
  ]
  if ((changed !== undefined || gone !== undefined) && !('numOutputRows' in metrics)) {
    const parts = [added && `+${counted(added, 'row')}`, changed && `~${counted(changed, 'row')}`, gone && `-${counted(gone, 'row')}`]
    return parts.filter(Boolean).join(' ')
  }
  const ended = number('numVersionsEnded')
  if (ended) return `${counted(ended, 'version')} ended`
  const [rows, files, bytes] = [number('numOutputRows'), number('numFiles'), number('numOutputBytes')]
  const less = gone ? `-${counted(gone, 'row')}` : ''
  if (!rows && !files) return less
  const parts = []
  if (rows !== undefined) parts.push(`+${counted(rows, 'row')}`)
  if (files !== undefined) parts.push(`in ${counted(files, 'file')}`)
  if (bytes !== undefined) parts.push(`(${byteSize(bytes)})`)
  return less ? `${less}, ${parts.join(' ')}` : parts.join(' ')
}
