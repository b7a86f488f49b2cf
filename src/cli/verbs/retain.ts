import type { Command } from 'commander'
import type { RetainPlan } from '../../index.ts'
import { tablePath } from '../options/references.ts'
import { count, oneOf } from '../options/values.ts'
import { byteSize, counted, duration, spansText } from '../print/human.ts'
import { jsonLine } from '../print/json.ts'
import type { Invocation, Verb } from '../verb.ts'

interface RetainCommandOptions {
  readonly keepLast?: number
  readonly keepDays?: number
  readonly keepTags?: boolean
  readonly keepRuns?: 'active'
  readonly archive?: string
  readonly dryRun?: boolean
}

/** So many lines of one kind are printed. */
const mostLines = 20

/** `varve retain PATH` */
export const verb: Verb = {
  usage: 'PATH [OPTIONS]',
  description: `Lets go of the versions that the table's retention policy does not keep. What an option says of the policy is kept in the table; run without options
it obeys the kept one. The newest version stays, and so do tagged ones, those of active runs and those that a pin or a clone holds. The plan is
printed first. With an archive, versions that end are moved into a table of their own, where they have the same numbers: archive@3.`,
  examples: [
    'varve retain events --keep-last 10 --keep-days 90 --keep-tags --keep-runs active --archive archive/events --dry-run',
    'varve retain events --keep-last 100',
    'varve retain events',
  ],
  define(command: Command): void {
    command
      .argument('<path>', 'the folder of the table')
      .option('--keep-last <number>', 'keep so many of the newest versions', count('--keep-last'))
      .option('--keep-days <number>', 'keep what was the newest version within so many days', count('--keep-days'))
      .option('--keep-tags', 'keep tagged versions; the default')
      .option('--no-keep-tags', 'let tagged versions go too, and remove their tags')
      .option('--keep-runs <which>', 'keep the versions of active runs; always so', oneOf('--keep-runs', ['active']))
      .option('--archive <path>', 'the table that takes the versions that end; default: they are dropped')
      .option('--dry-run', 'print the plan, and delete nothing')
  },
  async run(call: Invocation, operands: readonly string[], options: RetainCommandOptions): Promise<void> {
    const began = Date.now()
    const path = await tablePath(operands[0] ?? '')
    const { Table } = await import('../../index.ts')
    call.progress.start(() => `looking which versions of ${path} stay`)
    const table = await Table.open(path, { signal: call.signal })
    let printed: Promise<void> | undefined
    let archived = 0
    const onPlan = (plan: RetainPlan) => {
      call.progress.stop()
      if (!call.json && !call.quiet) printed = call.output.write(planText(path, plan))
      call.progress.start(() =>
        archived > 0
          ? `letting go of versions of ${path}, ${counted(archived, 'file')} in the archive`
          : `letting go of versions of ${path}`,
      )
    }
    const onArchived = (files: number) => {
      archived = files
    }
    const result = await table.retain({ ...options, onPlan, onArchived, signal: call.signal })
    call.progress.stop()
    for (const warning of result.warnings) call.warn(warning)
    if (call.json) return call.output.write(jsonLine(result))
    await printed
    if (call.quiet || result.dryRun) return
    const record = result.version === null ? path : `${path}@${result.version}`
    const what = `${counted(result.versionsEnded, 'version')} ended, ${counted(result.files, 'file')} (${byteSize(result.bytes)}) deleted`
    await call.output.write(
      `${record}: ${result.versionsEnded === 0 && result.files === 0 ? 'nothing to let go' : what}, ${duration(Date.now() - began)}\n`,
    )
  },
}

function planText(path: string, { policy, kept, ended, versionsEnded, files, bytes, logFiles, logBytes, archived }: RetainPlan): string {
  const words = Object.entries(policy).flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`]))
  const lines = [`${path}: ${words.join(', ')}`]
  for (const { why, ...span } of kept.slice(-mostLines)) lines.push(`  stays  ${spansText([span])}: ${why.join(', ')}`)
  if (kept.length > mostLines) lines.push(`         and ${counted(kept.length - mostLines, 'older version')} that something holds`)
  if (versionsEnded > 0) {
    const where =
      archived === null ? 'dropped' : `to ${archived.location} (${counted(archived.files, 'file')}, ${byteSize(archived.bytes)} to copy)`
    lines.push(
      `  ends   ${spansText(ended.slice(0, mostLines))}${ended.length > mostLines ? ', ...' : ''}: ${counted(versionsEnded, 'version')}, ${where}`,
    )
  }
  if (files + logFiles > 0)
    lines.push(
      `  frees  ${counted(files, 'file')} (${byteSize(bytes)}) and ${counted(logFiles, 'file')} of the log (${byteSize(logBytes)})`,
    )
  return `${lines.join('\n')}\n`
}
