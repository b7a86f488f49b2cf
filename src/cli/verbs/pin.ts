import type { Command } from 'commander'
import { type AllowPathOption, allowPathOption, openReference, type PointOptions, pointOf, pointOptions } from '../options/references.ts'
import { counted } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import type { Invocation, Verb } from '../verb.ts'

interface PinOptions extends PointOptions, AllowPathOption {
  /** `false` after `--no-hold`. */
  readonly hold?: boolean
}

/** `varve pin REF [FILE]` */
export const verb: Verb = {
  usage: 'REF [FILE] [OPTIONS]',
  description: `Writes a small file that names a version with all its fingerprints, to be kept in Git; it stands wherever a reference does. The table keeps the version
from vacuum, and Git leaves the table's folder out (.gitignore). Pinned again, the file names the new version, and nothing holds the one before any more.`,
  examples: ['varve pin events@0', 'varve query events.varve "SELECT count(*) FROM events"', 'varve pin events events.varve --json'],
  define(command: Command): void {
    allowPathOption(
      pointOptions(
        command
          .argument('<ref>', 'the table, as of the version to pin')
          .argument('[file]', "default: the last part of the table's path, with .varve")
          .option('--no-hold', 'leave nothing in the table, for one that may not be written to: its owner has to keep the version'),
      ),
    )
  },
  async run(call: Invocation, [reference = '', given]: readonly string[], options: PinOptions): Promise<void> {
    const { signal } = call
    call.progress.start(() => 'computing the fingerprints')
    const { table, snapshot, path, pin: from } = await openReference(reference, options, signal)
    const { parseReference } = await import('../../index.ts')
    const { point = pointOf(options) } = from ? {} : parseReference(reference)
    const { file, pin, changed, ignoredIn } = await table.pin({
      asOf: snapshot.version,
      tag: from?.tag ?? (typeof point === 'object' && 'tag' in point ? point.tag : undefined),
      file: given,
      hold: options.hold,
      path,
      signal,
    })
    if (call.json) return call.output.write(jsonLine({ file, changed, ignoredIn, ...pin }))
    if (ignoredIn !== null) call.note(`${path} was added to ${ignoredIn}`)
    if (call.quiet) return
    const what = `${path}@${pin.version}${pin.tag === null ? '' : ` (${pin.tag})`}`
    await call.output.write(changed ? `${file}: ${what}, ${counted(pin.rows, 'row')}\n` : `${file}: ${what}, as before\n`)
  },
}
