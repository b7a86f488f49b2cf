import type { Command } from 'commander'
import type { VacuumedFile, VacuumResult } from '../../index.ts'
import { tablePath } from '../options/references.ts'
import { byteSize, counted, duration, instant, spansText } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import type { Invocation, Verb } from '../verb.ts'

interface VacuumCommandOptions {
  readonly olderThan?: string
  readonly dryRun?: boolean
}

/** Lines of a dry run that are written together. */
const together = 1000

/** `varve vacuum PATH` */
export const verb: Verb = {
  usage: 'PATH [OPTIONS]',
  description: `Ends versions that are older than an age and that nothing holds: no tag, run, pin or clone. Deletes the files that only they name, the log
below the oldest version that stays, and what writers left behind that no version names, once it is seven days old.`,
  examples: ['varve vacuum events --dry-run', 'varve vacuum events --older-than 90d'],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .option(
        '--older-than <age>',
        "end versions that were over before so long: 30d, 12h, 2w, 45min, or 0d for all but the newest; default: the table's retention",
      )
      .option('--dry-run', 'say what would go, and delete nothing')
  },
  async run(call: Invocation, operands: readonly string[], options: VacuumCommandOptions): Promise<void> {
    const began = Date.now()
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../../index.ts')
    call.progress.start(() => `vacuuming ${path}`)
    const table = await Table.open(path, { signal: call.signal })
    const { olderThan, dryRun = false } = options
    const files: VacuumedFile[] = []
    const onFile = dryRun ? { onFile: (file: VacuumedFile) => void files.push(file) } : {}
    const result = await table.vacuum({ olderThan, dryRun, ...onFile, signal: call.signal })
    call.progress.stop()
    if (call.json) return call.output.write(jsonLine(dryRun ? { ...result, list: files } : result))
    if (call.quiet) return
    for (let at = 0; at < files.length; at += together) {
      const lines = files.slice(at, at + together).map((file) => `${file.path}  ${byteSize(file.bytes)}  ${instant(file.modified)}\n`)
      await call.output.write(lines.join(''))
    }
    await call.output.write(summary(path, result, duration(Date.now() - began)))
  },
}

function summary(path: string, result: VacuumResult, took: string): string {
  const { dryRun, files, bytes, logFiles, logBytes, versionsEnded, ended, earliest, held } = result
  const [go, end, is] = dryRun ? ['would go', 'would end', 'would be'] : ['deleted', 'ended', 'is']
  const log = logFiles > 0 ? ` and ${counted(logFiles, 'file')} of the log (${byteSize(logBytes)})` : ''
  const lines = [`${path}: ${counted(files, 'file')} (${byteSize(bytes)})${log} ${go}, ${took}`]
  if (versionsEnded > 0) {
    const spans = ended.slice(0, 3)
    const more = ended.length > spans.length ? ', ...' : ''
    lines.push(`${counted(versionsEnded, 'version')} ${end}: ${spansText(spans)}${more}; ${earliest} ${is} the oldest in the log`)
  }
  if (held.length > 0) {
    const names = held.slice(0, 3).map(({ version, by }) => `${version} (${by})`)
    lines.push(`kept because something holds them: ${names.join(', ')}${held.length > names.length ? ', ...' : ''}`)
  }
  return `${lines.join('\n')}\n`
}
