/**
 * The command line's entry. It loads little: `--version` and `--help` must not wait for the engine, so a verb's own file is loaded when
 * it is named, and the library when the verb runs.
 *
 * arguments -> commander -> one verb -> its `run` -> results on stdout, everything else on stderr, an exit code.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { CommandLineError, report } from './failure.ts'
import { Output, OutputClosed } from './terminal/output.ts'
import { Progress } from './terminal/progress.ts'
import { style } from './terminal/style.ts'
import type { CommonOptions, Invocation, Verb } from './verb.ts'
import { verbs } from './verbs.ts'

/** Runs one command line, and sets the exit code of the process. */
export async function main(args: readonly string[]): Promise<void> {
  const interrupt = new AbortController()
  let taker: ((signal: NodeJS.Signals) => void) | undefined
  const interrupted = (name: NodeJS.Signals) => {
    if (taker) return taker(name)
    // A second one does not wait for the first to be obeyed.
    if (interrupt.signal.aborted) process.exit(130)
    interrupt.abort()
  }
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
  process.stderr.on('error', () => {})
  const closed = new AbortController()
  const output = new Output(() => closed.abort())
  const signal = AbortSignal.any([interrupt.signal, closed.signal])
  const json = args.slice(0, args.includes('--') ? args.indexOf('--') : undefined).includes('--json')
  try {
    const program = await programFor(args, output, signal, (take) => {
      taker = take
    })
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof OutputClosed || output.closed) return
    if (error instanceof CommanderError && error.exitCode === 0) return
    const failure = error instanceof CommanderError ? usageError(error, args) : error
    process.exitCode = await report(failure, { json, interrupted: interrupt.signal.aborted })
  } finally {
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted)
  }
}

/** The program with the verb that is named in full, and the others by name. */
async function programFor(
  args: readonly string[],
  output: Output,
  signal: AbortSignal,
  takeSignals: Invocation['takeSignals'],
): Promise<Command> {
  const program = new Command('varve')
    .usage('VERB REFERENCE [ARGUMENTS] [OPTIONS]')
    .description('Delta Lake tables, written and read as of any version.')
    .version(packageVersion())
    .enablePositionalOptions()
    .commandsGroup('Verbs:')
    .helpCommand('help [verb]', 'the help of a verb')
    .configureHelp({ subcommandTerm: (command) => command.name(), helpWidth: Math.min(process.stdout.columns || 100, 120) })
    .configureOutput({ writeErr: () => {}, outputError: () => {} })
    .exitOverride()
    .addHelpText('after', overview)
  // Before the verb stand only options without a value.
  const operands = args.filter((arg) => !arg.startsWith('-'))
  const named = operands[0] === 'help' ? operands[1] : operands[0]
  for (const [name, { summary, load }] of Object.entries(verbs)) {
    const command = program.command(name).summary(summary)
    if (name === named) declare(command, await load(), output, signal, takeSignals)
  }
  return program
}

function declare(command: Command, verb: Verb, output: Output, signal: AbortSignal, takeSignals: Invocation['takeSignals']): void {
  command.description(paragraphs(verb.description)).usage(verb.usage)
  verb.define(command)
  command
    .option('--json', 'results as JSON, errors as JSON on stderr')
    .option('-q, --quiet', 'only results: no notes, no warnings, no progress')
    .option('--no-progress', 'no progress line')
    .addHelpText('after', `\nExamples:\n${verb.examples.map((example) => `  $ ${example}`).join('\n')}`)
    .action(async () => {
      const options = command.opts<CommonOptions>()
      const progress = new Progress(options.progress && !options.quiet)
      output.shareTerminalWith(progress)
      const call: Invocation = {
        output,
        progress,
        signal,
        takeSignals,
        json: options.json === true,
        quiet: options.quiet === true,
        exitWith: (code) => {
          process.exitCode = code
        },
        note: (text) => {
          progress.stop()
          if (!options.quiet && !options.json) process.stderr.write(`${text}\n`)
        },
        warn: (text) => {
          progress.stop()
          if (options.quiet) return
          process.stderr.write(
            options.json ? `${JSON.stringify({ warning: { message: text } })}\n` : `${style(process.stderr).yellow('warning:')} ${text}\n`,
          )
        },
      }
      try {
        await verb.run(call, command.args, command.opts())
      } finally {
        progress.stop()
      }
    })
}

/** A text whose paragraphs are lines, to be broken where the screen ends; a line of a list stays one. */
function paragraphs(text: string): string {
  return text.replace(/(?<!\n)\n(?![\n ])/g, ' ')
}

/** What commander found wrong, in our words. */
function usageError(error: CommanderError, args: readonly string[]): CommandLineError {
  const verb = args.find((arg) => arg in verbs)
  const help = verb === undefined ? 'varve --help shows the verbs.' : `varve ${verb} --help shows how it is used.`
  if (error.code === 'commander.help') return new CommandLineError('INVALID_ARGUMENT', 'No verb is given.', help)
  const [what = '', nearest] = error.message.replace(/^error: /, '').split('\n')
  const message = what.replace(/^unknown command/, 'unknown verb').replace(/^[a-z]/, (letter) => letter.toUpperCase())
  const suggestion = nearest === undefined ? '' : `${nearest.replace(/^\(|\)$/g, '')} `
  return new CommandLineError('INVALID_ARGUMENT', `${message.replace(/\.+$/, '')}.`, `${suggestion}${help}`)
}

function packageVersion(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version
}

const overview = `
A reference is PATH[@POINT]: events, events@3, events@2026-03-15T00:00:00Z, events@2026-03-15, events@v2.0
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 lost to a concurrent change (run it again), 4 what was checked differs, 130 interrupted

Examples:
  $ varve append events january.parquet --create
  $ varve query events@0 'SELECT count(*) FROM events'
  $ varve history events`
