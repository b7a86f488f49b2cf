/** What push and pull have in common: a line while files move, and one when they have. */
import type { MoveProgress, PullResult, PushResult } from '../../index.ts'
import { byteSize, counted } from './human.ts'

/** Keeps the line that is shown while files move. */
export function moving(): { readonly what: () => string; readonly onProgress: (done: MoveProgress) => void } {
  let line = 'reading the logs'
  return {
    what: () => line,
    onProgress: ({ files, of, bytes }) => {
      line = `${files} of ${counted(of, 'file')}, ${byteSize(bytes)}`
    },
  }
}

/** What moved, as a part of a sentence. */
export function movedText({ versions, files, bytes, skipped, records, missing }: PushResult | PullResult): string {
  if (versions + files + records === 0)
    return skipped > 0 ? `nothing to move, ${counted(skipped, 'file')} there already` : 'nothing to move'
  const parts = [
    counted(versions, 'version'),
    `${counted(files, 'file')} (${byteSize(bytes)})`,
    ...(skipped > 0 ? [`${counted(skipped, 'file')} there already`] : []),
    ...(records > 0 ? [counted(records, 'record')] : []),
    ...(missing > 0 ? [`${counted(missing, 'file')} of older versions gone`] : []),
  ]
  return parts.join(', ')
}
