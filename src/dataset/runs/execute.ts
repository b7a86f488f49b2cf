/**
 * A run as a command: the data is verified, the start recorded, the command told what it needs through its environment, and its end recorded.
 *
 * | variable | what the command finds there |
 * |---|---|
 * | `VARVE_DATA`, `VARVE_VERSION`, `VARVE_REF` | the folder of the table, the version, and both as a reference; of further data `VARVE_DATA_2` and so on |
 * | `VARVE_RUN_ID` | the id of the run |
 * | `VARVE_SEED` | the seed; named ones as `VARVE_SEED_<NAME>` |
 * | `VARVE_PARAMS` | a JSON file with the parameters |
 * | `VARVE_METRICS` | where it may write its metrics (`metrics-file.ts`) |
 * | `VARVE_MODEL` | where it is to leave its model, where that was said |
 *
 * Its streams are those of this process. Whatever becomes of it, its run gets an end; only if this process is killed, the run stays `unfinished`,
 * with the metrics so far, and the rest in the file that its start names.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AbortedError, DataFileError, UsageError, VerificationError } from '../../errors/index.ts'
import type { DeltaLog } from '../../log/index.ts'
import { type QueryResult, scan, targetOf } from '../../query/index.ts'
import { scratchFolder } from '../../storage/index.ts'
import { verifyVersion } from '../verify/verify.ts'
import { beginRun, type RunOptions } from './begin.ts'
import { type OpenedData, openData } from './data.ts'
import { MetricsTail } from './metrics-tail.ts'
import { hashModel } from './model.ts'
import type { RunStart } from './records.ts'
import type { RunModel } from './run.ts'
import { RunHandle } from './run-handle.ts'

/** Options of `table.run.exec`. */
export interface ExecOptions extends Omit<RunOptions, 'command' | 'start'> {
  /** A file or folder that the command will make: its hash is recorded at the end, and `VARVE_MODEL` tells the command. */
  readonly model?: string | undefined
  /** More variables for the command. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /**
   * How the data is verified before anything is started: `full` hashes every file, `quick` not those that were found right on this machine and that
   * the disk says nobody touched since, but for some of them. Default `quick`.
   */
  readonly verify?: 'quick' | 'full' | false | undefined
  /** Where the command's stdout goes. Default: to this process's own. */
  readonly stdout?: 'inherit' | 'stderr' | undefined
  /** Called when the run is recorded and before the command starts. What it gives are more variables. */
  readonly prepare?: ((run: BegunRun) => Promise<Readonly<Record<string, string>>>) | undefined
  /** Called when the command has started. `signal`, aborted from then on, ends it by SIGTERM. */
  readonly onStart?: ((command: RunningCommand) => void) | undefined
  /** Called while the data is verified. */
  readonly onVerify?: ((done: { readonly files: number; readonly of: number }) => void) | undefined
}

/** A command that runs. */
export interface RunningCommand {
  readonly pid: number | undefined
  /** Sends it a signal. */
  kill(signal: NodeJS.Signals): void
  /** Says that somebody else sent it one, as a terminal does to all that it runs. It stands in the notes of the run, as what `kill` sent does. */
  interrupted(signal: NodeJS.Signals): void
}

/** A run whose command has yet to start. */
export interface BegunRun {
  readonly id: string
  /** A folder that is removed when the run has ended. */
  readonly folder: string
  /** What it reads; `suffix` ends the names of its variables. */
  readonly versions: readonly { readonly suffix: string; readonly scan: () => QueryResult }[]
}

/** How a command ended. */
interface Ended {
  readonly exitCode: number
  readonly signal: NodeJS.Signals | null
  readonly notes: readonly string[]
}

/** Runs a command as a run. @returns the run's id and the exit code, as a shell gives it. @throws what `table.run.exec` throws */
export async function execute(log: DeltaLog, command: readonly string[], options: ExecOptions): Promise<{ id: string; exitCode: number }> {
  if (command[0] === undefined || command[0] === '')
    throw new UsageError('INVALID_ARGUMENT', 'No command is given.', { remedy: 'Name one.' })
  const { signal } = options
  const opened = await openData(log, options.data, signal)
  if (options.verify !== false) for (const one of opened) await verify(one, options)
  const scratch = await scratchFolder('varve-run-')
  const metricsFile = join(scratch.folder, 'metrics.json')
  const { id, start } = await beginRun(log, { ...options, command }, { opened, metricsFile, model: options.model }).catch(
    async (error: unknown) => {
      await scratch.dispose()
      throw error
    },
  )
  const handle = new RunHandle(log, id, start)
  const fail = async (note: string) => {
    await handle.end({ status: 'failed', end: new Date(), model: null, exitCode: null, signal: null, notes: [note] }, [])
    await scratch.dispose()
  }
  try {
    const env = await environmentOf(id, start, scratch.folder, options)
    const versions = opened.map((one, at) => ({ suffix: suffixOf(at), scan: () => scan(targetOf(one.log, one.state), { signal }) }))
    const more = (await options.prepare?.({ id, folder: scratch.folder, versions })) ?? {}
    if (signal?.aborted) throw new AbortedError('The run', signal.reason)
    const tail = new MetricsTail(metricsFile, (metrics) => handle.add(metrics))
    const ended = await run(command, { ...process.env, ...env, ...options.env, ...more }, options)
    const { metrics, problems } = await tail.end()
    const { model, note } = await modelOf(options.model)
    const notes = [...ended.notes, ...problems, ...note]
    const status = ended.exitCode === 0 ? 'finished' : 'failed'
    await handle.end({ status, end: new Date(), model, exitCode: ended.exitCode, signal: ended.signal, notes }, metrics)
    await scratch.dispose()
    return { id, exitCode: ended.exitCode }
  } catch (error) {
    // What the command did is told by its own end; here it had none, or that could not be recorded, and then its metrics stay where they are.
    if (!handle.ending) await fail(`It did not begin: ${error instanceof Error ? error.message : String(error)}`).catch(() => undefined)
    throw error
  }
}

async function verify({ log, state }: OpenedData, { verify, signal, onVerify }: ExecOptions): Promise<void> {
  const quick = verify !== 'full'
  const { ok, version, damaged, unreadable } = await verifyVersion(log, state, { quick, onProgress: onVerify, signal })
  if (ok) return
  const { root } = log.store
  const findings = damaged.length > 0 ? damaged : unreadable
  const data = { root, version, paths: findings.map(({ path }) => path) }
  const what = findings.map(({ message }) => message).slice(0, 5)
  const message = `Version ${version} of ${root} ${damaged.length > 0 ? 'is not what was written' : 'could not be verified'}, so nothing was started: ${what.join(' ')}`
  const remedy = `varve verify says all of it. ${findings[0]!.remedy}`
  if (damaged.length > 0) throw new VerificationError('DATA_DIFFERS', message, { remedy, data })
  throw new DataFileError('DATA_NOT_VERIFIED', message, { remedy, data })
}

async function environmentOf(id: string, start: RunStart, folder: string, { model }: ExecOptions): Promise<Record<string, string>> {
  const params = join(folder, 'params.json')
  await writeFile(params, `${JSON.stringify(start.parameters, undefined, 2)}\n`)
  const env: Record<string, string> = { VARVE_RUN_ID: id, VARVE_PARAMS: params, VARVE_METRICS: start.metricsFile! }
  for (const [at, { location, version }] of start.data.entries()) {
    const suffix = suffixOf(at)
    const path = location.startsWith('file:') ? fileURLToPath(location).replace(/(?<=.)\/$/, '') : location
    Object.assign(env, {
      [`VARVE_DATA${suffix}`]: path,
      [`VARVE_VERSION${suffix}`]: String(version),
      [`VARVE_REF${suffix}`]: `${path}@${version}`,
    })
  }
  for (const [name, seed] of Object.entries(start.seeds)) {
    env[name === 'seed' ? 'VARVE_SEED' : `VARVE_SEED_${name.toUpperCase().replace(/\W/g, '_')}`] = String(seed)
  }
  if (model !== undefined) env.VARVE_MODEL = model
  return env
}

function suffixOf(at: number): string {
  return at === 0 ? '' : `_${at + 1}`
}

function run([command = '', ...args]: readonly string[], env: NodeJS.ProcessEnv, { stdout, signal, onStart }: ExecOptions): Promise<Ended> {
  return new Promise((resolve) => {
    // As a shell has it: 127 is a command that is not there, 126 one that cannot be run.
    const failed = (error: unknown) => {
      const { code, message } = error as NodeJS.ErrnoException
      resolve({ exitCode: code === 'ENOENT' ? 127 : 126, signal: null, notes: [`${command} could not be started: ${message}`] })
    }
    let child: ChildProcess
    try {
      child = spawn(command, args, { env, stdio: ['inherit', stdout === 'stderr' ? 2 : 'inherit', 'inherit'] })
    } catch (error) {
      failed(error)
      return
    }
    const sent = new Set<NodeJS.Signals>()
    const kill = (name: NodeJS.Signals) => {
      sent.add(name)
      child.kill(name)
    }
    const stop = () => kill('SIGTERM')
    child.on('spawn', () => {
      signal?.addEventListener('abort', stop)
      if (signal?.aborted) stop()
      onStart?.({ pid: child.pid, kill, interrupted: (name) => void sent.add(name) })
    })
    child.on('error', (error) => {
      if (child.pid === undefined) failed(error)
    })
    child.on('close', (code, ended) => {
      signal?.removeEventListener('abort', stop)
      const number = ended === null ? 0 : constants.signals[ended]
      const notes = [...(ended === null ? [] : [`The command was ended by ${ended}.`])]
      if (ended === null && sent.size > 0) notes.push(`The command was sent ${[...sent].join(', ')}.`)
      resolve({ exitCode: code ?? 128 + number, signal: ended, notes })
    })
  })
}

async function modelOf(path: string | undefined): Promise<{ model: RunModel | null; note: readonly string[] }> {
  if (path === undefined) return { model: null, note: [] }
  try {
    return { model: await hashModel(path), note: [] }
  } catch (error) {
    return { model: null, note: [`The model ${path} was not recorded: ${error instanceof Error ? error.message : String(error)}`] }
  }
}
