import type { Command } from 'commander'
import type { PullResult } from '../../index.ts'
import { tablePath } from '../options/references.ts'
import { repeated } from '../options/values.ts'
import { duration, spansText } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import { movedText, moving } from '../print/moved.ts'
import type { Invocation, Verb } from '../verb.ts'

interface PullCommandOptions {
  readonly allowPath?: readonly string[]
  readonly from?: string
  readonly history?: boolean
  readonly link?: boolean
}

/** Spans of versions that are named. */
const mostSpans = 5

/** `varve pull PIN|PATH` */
export const verb: Verb = {
  usage: 'PIN|PATH [OPTIONS]',
  description: `Gets from a remote what a pin names, or the newest version of a table: its log, and the files of that version; --history those of all versions. Every file is
checked by its SHA-256, and what is here already is not moved again. A table with versions of its own that the remote lacks is refused.`,
  examples: ['varve push events ./shared/events', 'varve pull copy --from ./shared/events', 'varve pull copy --history --json'],
  define(command: Command): void {
    command
      .argument('<path>', 'a pin, or the folder of the table, which need not be there yet')
      .option('--from <remote>', 'a recorded name, a folder or a URL; default: the remote of the pin, else origin')
      .option('--history', 'the files of all versions, not of one alone')
      .option('--link', "share files with the machine's cache by hard links, for reading only; default: reflinks, else copies")
      .option('--allow-path <folder>', "a folder outside of the project into which a pin's table may be put; repeat for more", repeated)
  },
  async run(
    call: Invocation,
    [reference = '']: readonly string[],
    { from, history, link, allowPath: allowPaths }: PullCommandOptions,
  ): Promise<void> {
    const began = Date.now()
    const { signal } = call
    const path = await tablePath(reference, { orPin: true })
    const { Table } = await import('../../index.ts')
    const { what, onProgress } = moving()
    call.progress.start(what)
    const result = await Table.pull(path, { from, history, link, allowPaths, onProgress, signal })
    call.progress.stop()
    for (const warning of result.warnings) call.warn(warning)
    if (call.json) return call.output.write(jsonLine(result))
    if (!call.quiet)
      await call.output.write(`${path}@${result.version}: ${movedText(result)}${completeText(result)}, ${duration(Date.now() - began)}\n`)
  },
}

function completeText({ complete }: PullResult): string {
  const spans = complete.slice(-mostSpans)
  const more = complete.length > spans.length ? '..., ' : ''
  return `; complete: ${complete.length === 0 ? 'none' : `${more}${spansText(spans)}`}`
}
