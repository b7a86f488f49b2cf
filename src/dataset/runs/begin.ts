/**
 * Beginning a run. What it reads is opened and fingerprinted and what it runs on is looked at; then the record of its start is made, and only
 * then is it looked whether the versions are still there: a vacuum that read the holds before may have ended them meanwhile, and then
 * the run is recorded as failed, and has not begun.
 */
import { hostname } from 'node:os'
import { v4 as uuid } from 'uuid'
import type { DeltaLog } from '../../log/index.ts'
import { currentAuthor } from '../git.ts'
import { currentCode } from './code.ts'
import { describeData, holdElsewhere, type OpenedData, openData, type RunInput, releaseElsewhere } from './data.ts'
import { currentEnvironment } from './environment.ts'
import { allParameters, storedSeeds } from './parameters.ts'
import { currentProcess } from './process.ts'
import { ownVersions, putEnd, putPart, type RunStart } from './records.ts'

/** What a run is, before it begins. */
export interface RunOptions {
  /** A name for people; several runs may have it. */
  readonly name?: string | undefined
  /** The versions that it reads, the first of them one of this table. Default: the newest version. */
  readonly data?: readonly RunInput[] | undefined
  /** What it was told to do: what JSON can hold. */
  readonly parameters?: Readonly<Record<string, unknown>> | undefined
  /** A file in YAML or JSON with parameters; `parameters` go above them. */
  readonly parametersFile?: string | undefined
  /** The seed of what it draws, or several by name. */
  readonly seed?: number | Readonly<Record<string, number>> | undefined
  /** The command that it runs. Where that is Python, its packages are recorded. */
  readonly command?: readonly string[] | undefined
  /** When it began. Default: the current time. */
  readonly start?: Date | undefined
  /** Default: Git's user in the current folder, else the operating system's. */
  readonly author?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Makes the record of a run's start, with an id that nobody else has. @throws what `table.run.start` throws */
export async function beginRun(
  log: DeltaLog,
  options: RunOptions,
  more: { readonly opened?: readonly OpenedData[]; readonly metricsFile?: string; readonly model?: string | undefined } = {},
): Promise<{ readonly id: string; readonly start: RunStart }> {
  const { signal } = options
  const [parameters, seeds] = [await allParameters(options.parametersFile, options.parameters), storedSeeds(options.seed)]
  const command = options.command ?? null
  const opened = more.opened ?? (await openData(log, options.data, signal))
  const [environment, code, process, author] = await Promise.all([
    currentEnvironment(command),
    currentCode(more.model),
    currentProcess(),
    options.author ?? currentAuthor(),
  ])
  const described = []
  for (const one of opened) described.push(await describeData(one, signal))
  const id = uuid()
  const data = await holdElsewhere(id, log.store.root, opened, described, signal)
  const start: RunStart = {
    versions: ownVersions(data),
    data,
    name: options.name ?? null,
    parameters,
    seeds,
    command,
    metricsFile: more.metricsFile ?? null,
    code,
    environment,
    process,
    host: hostname(),
    author,
    start: options.start ?? new Date(),
  }
  await putPart(log.store, id, 'start', start, signal)
  await checkStillThere(id, start, opened)
  return { id, start }
}

async function checkStillThere(id: string, { data }: RunStart, opened: readonly OpenedData[]): Promise<void> {
  for (const { log, state } of opened) {
    if (await log.has(state.version)) continue
    const error = await log.versionNotFound(state.version)
    const end = new Date()
    const nothing = { metrics: {}, model: null, exitCode: null, signal: null }
    await putEnd(opened[0]!.log.store, id, { status: 'failed', end, ...nothing, notes: [error.message] })
    await releaseElsewhere(data)
    throw error
  }
}
