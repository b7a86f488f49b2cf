import type { Command } from 'commander'
import type { VerifyResult } from '../../index.ts'
import { openReference, type PointOptions, pointOptions } from '../options/references.ts'
import { byteSize, counted, duration } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import type { Invocation, Verb } from '../verb.ts'

interface VerifyCommandOptions extends PointOptions {
  readonly deep?: boolean
  readonly quick?: boolean
  readonly repairFrom?: string
}

/** `varve verify REF|PIN` */
export const verb: Verb = {
  usage: 'REF|PIN [OPTIONS]',
  description: `Checks that a version is what was written: the length and SHA-256 of every data file, the checksum of every deletion vector, the chain of
commits, and what tags and runs recorded, or the pin that is given. Exit code 4: something differs; 1: something could not be looked at. With --repair-from
damaged and missing files are fetched, put in their places once they were found to be what was written, and checked again: 0 means that all is mended.`,
  examples: ['varve verify events', 'varve verify events@0 --deep --json', 'varve verify events --repair-from origin'],
  define(command: Command): void {
    pointOptions(command.argument('<ref>', 'the table, as of a version'))
      .option('--deep', 'compute the digest of the rows too, and compare it with the one that was recorded')
      .option('--quick', 'do not hash again what was found right on this machine and was not touched since, but for some of it')
      .option('--repair-from <remote>', 'mend what is damaged or missing from there: a recorded name, a folder or a URL')
  },
  async run(call: Invocation, [reference = '']: readonly string[], options: VerifyCommandOptions): Promise<void> {
    const began = Date.now()
    const { signal } = call
    let progress = 'reading the log'
    call.progress.start(() => progress)
    const { snapshot, path, pin } = await openReference(reference, { ...options, unchecked: true }, signal)
    const expected = pin && { by: `the pin ${reference}`, fingerprints: pin.fingerprints }
    const onProgress = ({ files, of }: { files: number; of: number }) => {
      progress = `${files} of ${counted(of, 'file')}`
    }
    const { deep, quick, repairFrom } = options
    const result = await snapshot.verify({ deep, quick, repairFrom, expected, onProgress, signal })
    call.progress.stop()
    if (!result.ok) call.exitWith(result.damaged.length > 0 ? 4 : 1)
    if (call.json) return call.output.write(jsonLine(result))
    for (const { path: mended, bytes } of result.mended) await call.output.write(`${mended}: mended (${byteSize(bytes)})\n`)
    for (const { message, remedy } of [...result.damaged, ...result.unreadable]) await call.output.write(`${message}\n  ${remedy}\n`)
    if (!call.quiet) await call.output.write(summary(path, result, duration(Date.now() - began)))
  },
}

function summary(path: string, result: VerifyResult, took: string): string {
  const { version, damaged, unreadable, mended, files, bytes, vectors, notKnown, believed, rows } = result
  const what = `${counted(files, 'file')} (${byteSize(bytes)})${vectors > 0 ? `, ${counted(vectors, 'deletion vector')}` : ''}`
  const found = [
    ...(mended.length > 0 ? [`${mended.length} mended`] : []),
    ...(damaged.length > 0 ? [`${damaged.length} damaged`] : []),
    ...(unreadable.length > 0 ? [`${unreadable.length} could not be looked at`] : []),
  ]
  const lines = [`${path}@${version}: ${what}: ${found.length > 0 ? found.join(', ') : 'as they were written'}, ${took}`]
  if (notKnown > 0)
    lines.push(
      `${counted(notKnown, 'file')} without a recorded hash: only the length was checked (varve show --fingerprints records hashes)`,
    )
  if (believed > 0) lines.push(`${counted(believed, 'file')} not hashed again: untouched since they were found right`)
  if (rows !== 'not asked') lines.push(`rows: ${rows}`)
  return `${lines.join('\n')}\n`
}
