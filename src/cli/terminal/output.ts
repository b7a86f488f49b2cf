/**
 * stdout. Writing waits while the reader is slow, and ends the command quietly when the reader is gone (`varve query ... | head -1`).
 */
import { CommandLineError } from '../failure.ts'
import type { Progress } from './progress.ts'
import { type Style, style } from './style.ts'

/** Thrown by {@link Output.write} when nobody reads any more; never reported. */
export class OutputClosed extends Error {}

/** What a verb prints its results to. */
export class Output {
  readonly style: Style = style(process.stdout)
  #closed = false
  #progress: Progress | undefined

  /** @param onClosed Called once when the reader is gone. */
  constructor(onClosed: () => void) {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (!isClosed(error)) return
      this.#closed = true
      onClosed()
    })
  }

  /** On a terminal the line that shows progress goes when results come. */
  shareTerminalWith(progress: Progress): void {
    if (this.isTerminal) this.#progress = progress
  }

  /** Nobody reads any more. */
  get closed(): boolean {
    return this.#closed
  }

  get isTerminal(): boolean {
    return process.stdout.isTTY === true
  }

  /** Characters in a line of the terminal; undefined elsewhere. */
  get width(): number | undefined {
    return this.isTerminal ? process.stdout.columns || 80 : undefined
  }

  /**
   * Writes, and waits until it is taken.
   * @throws OutputClosed when nobody reads any more; CommandLineError OUTPUT_FAILED when it cannot be written, a full disk for example.
   */
  write(chunk: string | Uint8Array): Promise<void> {
    this.#progress?.stop()
    return new Promise((resolve, reject) => {
      process.stdout.write(chunk, (error: NodeJS.ErrnoException | null | undefined) => {
        if (!error) resolve()
        else if (this.#closed || isClosed(error)) reject(new OutputClosed())
        else reject(new CommandLineError('OUTPUT_FAILED', `stdout cannot be written: ${error.message}`, 'Send it elsewhere.', 1))
      })
    })
  }
}

function isClosed({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EPIPE' || code === 'EIO' || code === 'ERR_STREAM_DESTROYED'
}
