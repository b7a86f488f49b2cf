import type { Command } from 'commander'
import { openReference, type PointOptions, pointOptions } from '../options/references.ts'
import { jsonLine } from '../print/json.ts'
import type { Invocation, Verb } from '../verb.ts'

interface TagCommandOptions extends PointOptions {
  readonly message?: string
  readonly force?: boolean
  readonly git?: boolean
}

/** `varve tag REF NAME` */
export const verb: Verb = {
  usage: 'REF NAME [OPTIONS]',
  description: `Gives a version a name that stands wherever a version does: events@v2.0, and in SQL AT (VERSION => 'v2.0'). A tag keeps its version from vacuum.
Names are as Git's, without / and @, no number and no date, and the same in upper and lower case.`,
  examples: [
    "varve tag events@0 v1.0 -m 'the first rows'",
    'varve tag events v1.0 --force',
    'varve query events@v1.0 "SELECT count(*) FROM events"',
  ],
  define(command: Command): void {
    pointOptions(command.argument('<ref>', 'the table, as of the version to tag').argument('<name>', 'the name that it gets'))
      .option('-m, --message <text>', 'why, for people')
      .option('--force', 'move a tag that is there; its earlier place stays on record')
      .option('--git', 'put an annotated Git tag dataset-<name> on the current commit too')
  },
  async run(call: Invocation, [reference = '', name = '']: readonly string[], options: TagCommandOptions): Promise<void> {
    const { signal } = call
    call.progress.start(() => 'reading the log')
    const { table, snapshot, path } = await openReference(reference, options, signal)
    const { message, force, git } = options
    const tag = await table.tag(name, { version: snapshot.version, message, force, git, signal })
    if (call.json) return call.output.write(jsonLine(tag))
    if (call.quiet) return
    const moved = tag.replaces === null ? '' : `, which was version ${tag.replaces}`
    await call.output.write(`${path}@${tag.version}: tagged ${tag.name}${moved}${git ? `; Git tag dataset-${tag.name}` : ''}\n`)
  },
}
