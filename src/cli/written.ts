/** What a writing verb reports: as JSON `version, operation, alreadyApplied, metrics`, or as a sentence. */
import type { CommitResult } from '../index.ts'
import { byteSize, counted, duration } from './human.ts'
import type { Run } from './verb.ts'

/** Prints the result of a commit, and its warnings. */
export async function printWritten(
  run: Run,
  path: string,
  result: CommitResult,
  options: { txn?: string | undefined; began: number },
): Promise<void> {
  const { version, operation, alreadyApplied, metrics } = result
  for (const warning of result.warnings) run.warn(warning)
  if (run.json) return run.output.write(`${JSON.stringify({ version, operation, alreadyApplied, metrics })}\n`)
  if (run.quiet) return
  if (alreadyApplied)
    return run.output.write(`${options.txn ?? 'This load'} was applied before: nothing changed, ${path} is at version ${version}.\n`)
  const what =
    change(metrics) ||
    (operation !== 'CREATE TABLE' ? 'no rows, nothing changed' : 'numFiles' in metrics ? 'created' : 'there already, left as it is')
  await run.output.write(`${path}@${version}: ${what}, ${duration(Date.now() - options.began)}\n`)
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
