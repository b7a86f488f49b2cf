/**
 * Failures as the command line reports them, and its exit codes: 0 done, 1 failed, 2 wrong usage, 3 lost to a concurrent change (running
 * it again helps), 4 a pin names another version than the one that is here, or what a run reads is not what was written, 130 interrupted. This is the one place that decides them; the 4 and 1 of
 * verbs that check are results and no failures.
 */
import { style } from './terminal/style.ts'

/** A failure that the command line itself finds: a wrong argument, an output that cannot be written. */
export class CommandLineError extends Error {
  readonly code: string
  readonly remedy: string
  readonly exitCode: 1 | 2

  constructor(code: string, message: string, remedy: string, exitCode: 1 | 2 = 2) {
    super(message)
    this.code = code
    this.remedy = remedy
    this.exitCode = exitCode
  }
}

/** What is printed of a failure, and the exit code that goes with it. */
interface Report {
  readonly code: string
  readonly message: string
  readonly remedy: string
  readonly data: Readonly<Record<string, unknown>>
  readonly exitCode: number
}

/** Prints a failure to stderr, as JSON or for people, and gives the exit code. */
export async function report(error: unknown, options: { json: boolean; interrupted: boolean }): Promise<number> {
  const { exitCode, ...shown } = await describe(error, options.interrupted)
  process.stderr.write(options.json ? `${JSON.stringify({ error: shown })}\n` : forPeople(shown))
  return exitCode
}

function forPeople({ message, remedy, code }: Omit<Report, 'exitCode'>): string {
  const paint = style(process.stderr)
  const hint = remedy === '' ? '' : `  ${remedy.replaceAll('\n', '\n  ')}\n`
  return `${paint.red('error:')} ${message} ${paint.dim(`(${code})`)}\n${hint}`
}

async function describe(error: unknown, interrupted: boolean): Promise<Report> {
  if (error instanceof CommandLineError)
    return { code: error.code, message: error.message, remedy: error.remedy, data: {}, exitCode: error.exitCode }
  const { VarveError, UsageError, ConflictError, PinDiffersError, VerificationError, AbortedError } = await import('../index.ts')
  if (error instanceof VarveError) {
    const exitCodes = [
      [UsageError, 2],
      [ConflictError, 3],
      [PinDiffersError, 4],
      [VerificationError, 4],
    ] as const
    const aborted = error instanceof AbortedError || interrupted
    const exitCode = aborted ? 130 : (exitCodes.find(([kind]) => error instanceof kind)?.[1] ?? 1)
    return { ...error.toJSON(), exitCode }
  }
  const defect = error instanceof Error ? error : { message: String(error), stack: undefined }
  const remedy = `This should not happen: it is a defect of Varve, and a report of it is welcome.\n${defect.stack ?? ''}`.trim()
  return { code: 'INTERNAL', message: defect.message, remedy, data: {}, exitCode: interrupted ? 130 : 1 }
}
