/** `varve run exec`: a command as a run. Its streams are ours; what we say ourselves goes to stderr, unless JSON is asked for. */
import { join } from 'node:path'
import { duration } from './human.ts'
import { wrong } from './options.ts'
import { writeRowsFile } from './rows.ts'
import { type RunCommandOptions, tableAndData, toldOf } from './run-options.ts'
import { metricsText, runLine, shortRunId } from './run-text.ts'
import type { Run } from './verb.ts'

/** Runs the command. Its exit code becomes that of the process. */
export async function execRun(run: Run, line: readonly string[], options: RunCommandOptions): Promise<void> {
  if (line.length === 0)
    throw wrong('No command is given.', 'Write it after --, as in: varve run exec --data events@v2.0 -- python train.py')
  const { name, model, verify, export: format } = options
  const began = Date.now()
  const { table, data, path } = await tableAndData(run, undefined, options.data)
  let progress = 'reading the log'
  run.progress.start(() => progress)
  const { run: done, exitCode } = await table.run.exec(line, {
    name,
    data,
    ...toldOf(options),
    model,
    verify,
    stdout: run.json ? 'stderr' : 'inherit',
    signal: run.signal,
    onVerify: ({ files, of }) => {
      progress = `verifying ${files} of ${of} files`
    },
    prepare: async ({ folder, versions }) => {
      run.progress.stop()
      if (format === undefined) return {}
      const files: Record<string, string> = {}
      for (const { scan, suffix } of versions) {
        const file = join(folder, `rows${suffix}.${format}`)
        await writeRowsFile(run, scan(), format, file)
        files[`VARVE_FILE${suffix}`] = file
      }
      return files
    },
    onStart: (command) => {
      run.progress.stop()
      let interrupts = 0
      run.takeSignals((signal) => {
        // A terminal sends its Ctrl-C to the command too; two of them would end what it does to end well.
        if (signal === 'SIGINT' && isOnTerminal() && interrupts++ === 0) command.interrupted(signal)
        else command.kill(signal)
      })
    },
  })
  run.takeSignals(undefined)
  if (exitCode !== 0) run.exitWith(exitCode)
  for (const note of done.notes) run.warn(note)
  if (run.json) return run.output.write(runLine(done))
  const results = metricsText(done.metrics, 8)
  run.note(
    `run ${shortRunId(done.id)} of ${path}@${done.version}: ${done.status}, ${duration(Date.now() - began)}${results === '' ? '' : `: ${results}`}`,
  )
}

function isOnTerminal(): boolean {
  return [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY)
}
