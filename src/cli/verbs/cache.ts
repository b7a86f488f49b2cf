import type { Command } from 'commander'
import { repeated, wrong } from '../options/values.ts'
import { byteSize, counted } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import type { Invocation, Verb } from '../verb.ts'

interface CacheOptions {
  readonly dryRun?: boolean
  readonly forget?: readonly string[]
}

/** `varve cache show|gc` */
export const verb: Verb = {
  usage: 'show|gc [OPTIONS]',
  description: `The cache of this machine: data files that pulls have fetched, each once for all projects, in $XDG_CACHE_HOME/varve or ~/.cache/varve.
show tells what is in it; gc deletes what no pin of a known project needs, and nothing where it cannot be known what one needs (exit code 1).`,
  examples: ['varve cache show', 'varve cache gc --dry-run --json'],
  define(command: Command): void {
    command
      .argument('<what>', 'show or gc')
      .option('--dry-run', 'with gc: only tell what would go')
      .option('--forget <folder>', 'with gc: a project that needs nothing from the cache any more; repeat for more', repeated)
  },
  async run(call: Invocation, [what = '']: readonly string[], options: CacheOptions): Promise<void> {
    const { dryRun, forget } = options
    const isShow = what === 'show'
    if (!isShow && what !== 'gc') throw wrong(`'${what}' is nothing that the cache does.`, 'Write varve cache show, or varve cache gc.')
    if (isShow && (dryRun || forget)) throw wrong('--dry-run and --forget are for gc.', 'Leave them out, or write varve cache gc.')
    const { cache } = await import('../../index.ts')
    if (isShow) {
      const contents = await cache.show()
      if (call.json) return call.output.write(jsonLine(contents))
      const { folder, files, bytes, projects } = contents
      return call.output.write(
        `${folder}: ${counted(files, 'file')} (${byteSize(bytes)})\n${projects.map((one) => `  used by ${one}\n`).join('')}`,
      )
    }
    call.progress.start(() => 'looking for pins')
    const result = await cache.gc({ dryRun, forget, signal: call.signal })
    if (result.inDoubt.length > 0) call.exitWith(1)
    if (call.json) return call.output.write(jsonLine(result))
    for (const { file, why } of result.inDoubt) call.note(`${file}: ${why}`)
    if (result.inDoubt.length > 0) call.note('So nothing was deleted: pull what is pinned there, or leave the project out with --forget.')
    const { files, bytes, keptFiles, keptBytes } = result
    await call.output.write(
      `${dryRun ? 'would delete' : 'deleted'} ${counted(files, 'file')} (${byteSize(bytes)}), kept ${counted(keptFiles, 'file')} (${byteSize(keptBytes)})\n`,
    )
  },
}
