/** What a verb of the command line is made of, and what it is given when it runs. */
import type { Command } from 'commander'
import type { Output } from './terminal/output.ts'
import type { Progress } from './terminal/progress.ts'

/** Options that every verb takes. */
export interface CommonOptions {
  readonly json?: boolean
  readonly quiet?: boolean
  /** `false` after `--no-progress`. */
  readonly progress: boolean
}

/** What a running verb may use. Results go to `output`, everything else to stderr through `note` and `warn`. */
export interface Invocation {
  readonly output: Output
  readonly progress: Progress
  readonly json: boolean
  readonly quiet: boolean
  /** Aborted by SIGINT, SIGTERM and a closed stdout. */
  readonly signal: AbortSignal
  /**
   * The exit code of a verb that prints its results and yet does not end well: 4 where what was checked differs, 1 where it could not look, and
   * that of a command which it ran.
   */
  exitWith(code: number): void
  /** From now on SIGINT and SIGTERM are given to a function, and abort nothing; for who runs a command that they are meant for. */
  takeSignals(take: ((signal: NodeJS.Signals) => void) | undefined): void
  /** A line for people on stderr, left out by `--quiet` and `--json`. */
  note(text: string): void
  /** A warning on stderr, left out by `--quiet`. */
  warn(text: string): void
}

/** One verb. */
export interface Verb {
  /** The line after `varve <verb>` in the help. */
  readonly usage: string
  /** One or two sentences for the verb's own help. */
  readonly description: string
  /** Command lines that work, as the help shows them. */
  readonly examples: readonly string[]
  /** Declares arguments and options. The common options are there already. */
  define(command: Command): void
  /** Does it. `operands` and `options` are what the declaration made of the arguments. */
  run(call: Invocation, operands: readonly string[], options: Readonly<Record<string, unknown>>): Promise<void>
}
