import type { Command } from 'commander'
import type { Table } from '../../index.ts'
import { tablePath } from '../options/references.ts'
import { exportFormats, metricsOf, type RunCommandOptions, tableAndData, toldOf } from '../options/runs.ts'
import { oneOf, repeated, wrong } from '../options/values.ts'
import { comparisonText, metricsText, runLine, runText, shortRunId } from '../print/run-text.ts'
import type { Invocation, Verb } from '../verb.ts'
import { execRun } from './run-exec.ts'

type Action = (call: Invocation, operands: readonly string[], options: RunCommandOptions) => Promise<void>

const actions: Readonly<Record<string, Action>> = { record, exec: execRun, show, compare, retire }

/** `varve run ACTION` */
export const verb: Verb = {
  usage: `ACTION ...

Actions:
  record PATH [--data REF...] [--name N] [--param k=v]... [--metric k=v]... [--metrics FILE] [--model FILE] [--status S]   a run that is over
  exec --data REF... [--params FILE] [--seed N] [--model FILE] -- COMMAND...   a command, as a run
  show PATH ID       all of a run; the beginning of an id is enough, or a name that one run has
  compare PATH ID ID     what differs between two runs
  retire PATH ID     its model is no longer in use: its versions need not be held for it`,
  description: `Records what was trained on a version: the data with its fingerprints, parameters, seeds, metrics, code, packages, machine and model. A run lives in the table
of its first data, and holds the versions that it read until it fails or is retired.

exec verifies the data first (exit code 4 where it differs, with nothing started), and ends with the command's own exit code. The command finds in its
environment: VARVE_DATA (the table's folder), VARVE_VERSION, VARVE_REF (both), of further data VARVE_DATA_2 and so on; VARVE_RUN_ID; VARVE_SEED;
VARVE_PARAMS (a JSON file with the parameters); VARVE_MODEL (where to leave the model); with --export VARVE_FILE (the rows of the version as a file);
and VARVE_METRICS, the file to write its metrics to: one JSON object {"auc": 0.93, "loss": [0.9, 0.5]}, in which a list is by step; or JSON lines that
it adds as it goes, {"step": 1, "loss": 0.5} for a step, and without a step for final values.`,
  examples: [
    'varve run record events@0 --name baseline --param lr=0.1 --metric auc=0.91',
    'varve run exec --data events --params params.yaml --seed 42 --name second -- node train.mjs',
    'varve run show events baseline',
    'varve run compare events baseline second',
    'varve run retire events baseline',
  ],
  define(command: Command): void {
    command
      .argument('<action>', Object.keys(actions).join(', '))
      .argument('[operand...]', 'the table and the runs; with exec the command')
      .option('--data <ref...>', 'the versions that it reads; the first is where the run is recorded')
      .option('--name <name>', 'a name for people')
      .option('--param <name=value>', 'a parameter; dots make groups; repeat for more', repeated)
      .option('--params <file>', 'parameters from a file in YAML or JSON; --param goes above them')
      .option('--seed <number>', 'the seed, or name=number; repeat for more', repeated)
      .option('--metric <name=value>', 'with record: a final value; repeat for more', repeated)
      .option('--metrics <file>', 'with record: metrics from a file, as VARVE_METRICS is written')
      .option('--model <file>', 'a file or folder that it made: its SHA-256 is recorded; with exec, at the end')
      .option('--status <status>', 'with record: finished (the default), failed', oneOf('--status', ['finished', 'failed']))
      .option(
        '--export <format>',
        'with exec: the rows as a file, csv, ndjson or parquet, named by VARVE_FILE',
        oneOf('--export', exportFormats),
      )
      .option(
        '--verify <how>',
        'with exec: quick (the default) does not hash again what nobody touched, full does',
        oneOf('--verify', ['quick', 'full']),
      )
      .option('--no-verify', 'with exec: start without verifying the data')
      .option('-m, --message <text>', 'with retire: why')
  },
  async run(call: Invocation, [word = '', ...operands]: readonly string[], options: RunCommandOptions): Promise<void> {
    const action = Object.hasOwn(actions, word) ? actions[word] : undefined
    if (action === undefined)
      throw wrong(`'${word}' is nothing that can be done with a run.`, `It is one of ${Object.keys(actions).join(', ')}.`)
    await action(call, operands, options)
  },
}

async function record(call: Invocation, [reference, ...rest]: readonly string[], options: RunCommandOptions): Promise<void> {
  tooMany(rest)
  const { name, model, status } = options
  const metrics = metricsOf(options.metric)
  const { table, data, path } = await tableAndData(call, reference, options.data)
  call.progress.start(() => 'computing the fingerprints')
  const done = await table.run.record({
    name,
    data,
    ...toldOf(options),
    metrics,
    metricsFile: options.metrics,
    model,
    status,
    signal: call.signal,
  })
  if (call.json) return call.output.write(runLine(done))
  if (call.quiet) return call.output.write(`${done.id}\n`)
  const results = metricsText(done.metrics)
  await call.output.write(`${path}@${done.version}: recorded run ${shortRunId(done.id)}${results === '' ? '' : `: ${results}`}\n`)
}

async function show(call: Invocation, operands: readonly string[]): Promise<void> {
  const [table, [id]] = await tableAndRuns(call, operands, 1)
  const found = await table.run.show(id!, { signal: call.signal })
  await call.output.write(call.json ? runLine(found) : runText(found, call.output.style))
}

async function compare(call: Invocation, operands: readonly string[]): Promise<void> {
  const [table, [a, b]] = await tableAndRuns(call, operands, 2)
  const found = await table.run.compare(a!, b!, { signal: call.signal })
  await call.output.write(call.json ? runLine(found) : comparisonText(found, call.output.style))
}

async function retire(call: Invocation, operands: readonly string[], { message }: RunCommandOptions): Promise<void> {
  const [table, [id]] = await tableAndRuns(call, operands, 1)
  const retired = await table.run.retire(id!, { message, signal: call.signal })
  if (call.json) return call.output.write(runLine(retired))
  if (!call.quiet) await call.output.write(`${operands[0]}: retired run ${shortRunId(retired.id)}\n`)
}

async function tableAndRuns(
  call: Invocation,
  [reference = '', ...runs]: readonly string[],
  count: number,
): Promise<[Table, readonly string[]]> {
  if (runs.length !== count)
    throw wrong(`${count === 1 ? 'One run is' : 'Two runs are'} to be named after the table.`, 'varve runs PATH lists their ids.')
  const { Table } = await import('../../index.ts')
  return [await Table.open(await tablePath(reference), { signal: call.signal }), runs]
}

function tooMany(operands: readonly string[]): void {
  if (operands.length > 0) throw wrong(`'${operands[0]}' is one argument too many.`, 'Write the table, and what it reads with --data.')
}
