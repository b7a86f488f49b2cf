/** A line on stderr that says what is going on, on a terminal, once it takes longer than a second. */

const patience = 1000
const interval = 100
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/** What a verb is doing just now. */
export class Progress {
  readonly #enabled: boolean
  #timer: NodeJS.Timeout | undefined
  #shown = false

  /** @param enabled `false` never shows anything. */
  constructor(enabled: boolean) {
    this.#enabled = enabled && process.stderr.isTTY === true && process.env.TERM !== 'dumb'
  }

  /** Shows `what`, and the seconds it has taken, until `stop`. */
  start(what: () => string): void {
    this.stop()
    if (!this.#enabled) return
    const began = Date.now()
    let frame = 0
    this.#timer = setInterval(() => {
      const seconds = Math.floor((Date.now() - began) / 1000)
      if (Date.now() - began < patience) return
      this.#shown = true
      const line = `${frames[frame++ % frames.length]} ${what()} ${seconds} s`
      process.stderr.write(`\r\u001b[2K${line.slice(0, (process.stderr.columns || 80) - 1)}`)
    }, interval).unref()
  }

  /** Takes the line away. */
  stop(): void {
    clearInterval(this.#timer)
    if (this.#shown) process.stderr.write('\r\u001b[2K')
    this.#shown = false
  }
}
