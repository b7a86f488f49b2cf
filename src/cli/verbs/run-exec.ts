/** `varve run exec`: a command as a run. Its streams are ours; what we say ourselves goes to stderr, unless JSON is asked for. */
import { join } from 'node:path'
import { type RunCommandOptions, tableAndData, toldOf } from '../options/runs.ts'
import { wrong } from '../options/values.ts'
import { duration } from '../print/human.ts'
import { writeRowsFile } from '../print/rows.ts'
import { metricsText, runLine, shortRunId } from '../print/run-text.ts'
import type { Invocation } from '../verb.ts'

/** Runs the command. Its exit code becomes that of the process. */
export async function execRun(call: Invocation, line: readonly string[], options: RunCommandOptions): Promise<void> {
  if (line.length === 0)
    throw wrong('No command is given.', 'Write it after --, as in: varve run exec --data events@v2.0 -- python train.py')
  const { name, model, verify, export: format } = options
  const began = Date.now()
  const { table, data, path } = await tableAndData(call, undefined, options.data)
  let progress = 'reading the log'
  call.progress.start(() => progress)
  const { run: done, exitCode } = await table.run.exec(line, {
    name,
    data,
    ...toldOf(options),
    model,
    verify,
    stdout: call.json ? 'stderr' : 'inherit',
    signal: call.signal,
    onVerify: ({ files, of }) => {
      progress = `verifying ${files} of ${of} files`
    },
    prepare: async ({ folder, versions }) => {
      call.progress.stop()
      if (format === undefined) return {}
      const files: Record<string, string> = {}
      for (const { scan, suffix } of versions) {
        const file = join(folder, `rows${suffix}.${format}`)
        await writeRowsFile(call, scan(), format, file)
        files[`VARVE_FILE${suffix}`] = file
      }
      return files
    },
    onStart: (command) => {
      call.progress.stop()
      let interrupts = 0
      call.takeSignals((signal) => {
        // A terminal sends its Ctrl-C to the command too; two of them would end what it does to end well.
        if (signal === 'SIGINT' && isOnTerminal() && interrupts++ === 0) command.interrupted(signal)
        else command.kill(signal)
      })
    },
  })
  call.takeSignals(undefined)
  if (exitCode !== 0) call.exitWith(exitCode)
  for (const note of done.notes) call.warn(note)
  if (call.json) return call.output.write(runLine(done))
  const results = metricsText(done.metrics, 8)
  call.note(
    `run ${shortRunId(done.id)} of ${path}@${done.version}: ${done.status}, ${duration(Date.now() - began)}${results === '' ? '' : `: ${results}`}`,
  )
}

function isOnTerminal(): boolean {
  return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
}
