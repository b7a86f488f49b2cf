/**
 * stdout. Writing waits while the reader is slow, and ends the command quietly when the reader is gone (`varve query ... | head -1`).
 */
import { once } from 'node:events'
import { type Style, style } from './style.ts'

/** Thrown by {@link Output.write} when nobody reads any more; never reported. */
export class OutputClosed extends Error {}

/** What a verb prints its results to. */
export class Output {
  readonly style: Style = style(process.stdout)
  #closed = false

  /** @param onClosed Called once when the reader is gone. */
  constructor(onClosed: () => void) {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
      this.#closed = true
      onClosed()
    })
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

  /** Writes, and waits while the reader cannot take more. @throws OutputClosed when nobody reads any more. */
  async write(chunk: string | Uint8Array): Promise<void> {
    if (this.#closed) throw new OutputClosed()
    if (process.stdout.write(chunk)) return
    await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]).catch(() => {})
    if (this.#closed) throw new OutputClosed()
  }
}
