/** When a failed request is tried again, and for how long one is waited for. */
import { setTimeout as pause } from 'node:timers/promises'
import { AbortedError, ObjectCorruptError, StoreThrottledError, StoreTimeoutError, StoreUnreachableError } from '../../errors/index.ts'

/** The policy of `withRetries`; the clock, the source of chance and the pause are passed in where a test needs them. */
export interface RetryPolicy {
  /** How often a request is sent at most. Default 6. */
  readonly tries?: number
  /** After how many seconds no further try begins. Default 60. */
  readonly seconds?: number
  /** The longest first pause in milliseconds; each further one may be twice as long. Default 50. */
  readonly firstPauseMs?: number
  /** The longest pause in milliseconds. Default 5,000. */
  readonly longestPauseMs?: number
  /** How many seconds a single request may take, beside the time that its bytes need. Default 30. */
  readonly requestSeconds?: number
  /** The slowest transfer that counts as one, in bytes a second. Default 64 KiB. */
  readonly slowestRate?: number
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number
  /** A number from 0 (inclusive) to 1 (exclusive). */
  readonly random?: () => number
  /** Waits for so many milliseconds, and rejects when the signal is aborted. */
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>
}

const graceMs = 100

/** Whether a request that failed so may be sent again. */
export function isRetryable(error: unknown): boolean {
  return (
    error instanceof StoreThrottledError ||
    error instanceof StoreUnreachableError ||
    error instanceof StoreTimeoutError ||
    error instanceof ObjectCorruptError
  )
}

/** A request that was given up while it ran: nobody knows what became of it. */
export class GivenUp extends Error {
  /** Why, as the error that a caller may see. */
  readonly reason: AbortedError | StoreTimeoutError

  constructor(reason: AbortedError | StoreTimeoutError) {
    super(reason.message)
    this.reason = reason
  }
}

/** A policy with its gaps filled. */
export class Retries {
  readonly #policy: Required<RetryPolicy>

  constructor(policy: RetryPolicy) {
    this.#policy = {
      tries: 6,
      seconds: 60,
      firstPauseMs: 50,
      longestPauseMs: 5000,
      requestSeconds: 30,
      slowestRate: 64 * 1024,
      now: () => performance.now(),
      random: Math.random,
      sleep: (ms, signal) => pause(ms, undefined, signal === undefined ? {} : { signal }),
      ...policy,
    }
  }

  /** A fresh budget for one call. */
  budget(): Budget {
    return new Budget(this.#policy)
  }

  /** The time limit for the steps of one listing. Between steps its timer keeps no process alive. */
  steps(what: string, signal: AbortSignal | undefined): StepLimit {
    return new StepLimit(what, this.#policy.requestSeconds, signal)
  }

  /**
   * Sends one request: for as long as the policy allows from when `after` is settled, and until the caller's signal is aborted.
   *
   * @throws GivenUp when it is no longer waited for
   */
  async request<T>(what: string, run: (signal: AbortSignal) => Promise<T>, options: RequestLimits = {}): Promise<T> {
    const { signal, bytes = 0, after } = options
    if (signal?.aborted) throw new AbortedError(what, signal.reason)
    const seconds = this.#policy.requestSeconds + bytes / this.#policy.slowestRate
    const giveUp = new AbortController()
    const timers = new Set<NodeJS.Timeout>()
    const startLimit = (ms: number, reason: () => AbortedError | StoreTimeoutError, fail: (error: GivenUp) => void) => {
      timers.add(
        setTimeout(() => {
          fail(new GivenUp(reason()))
          giveUp.abort()
        }, ms),
      )
    }
    let onAbort: (() => void) | undefined
    let ended = false
    try {
      return await new Promise<T>((resolve, reject) => {
        // A store that heeds the signal says itself what became of its request, and is given the time for it.
        onAbort = () => {
          giveUp.abort(signal?.reason)
          startLimit(graceMs, () => new AbortedError(what, signal?.reason), reject)
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        const limit = () => {
          if (!ended) startLimit(seconds * 1000, () => timeout(what, seconds), reject)
        }
        if (after === undefined) limit()
        else after.then(limit, limit)
        run(giveUp.signal).then(resolve, reject)
      })
    } finally {
      ended = true
      for (const timer of timers) clearTimeout(timer)
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort)
    }
  }
}

/**
 * The time limit of a listing: each step has its own, under one timer for all, since most steps give a name that is there already.
 * Time between steps is the caller's.
 */
export class StepLimit {
  readonly #what: string
  readonly #ms: number
  readonly #signal: AbortSignal | undefined
  readonly #onAbort = () => this.#fail?.(new GivenUp(new AbortedError(this.#what, this.#signal?.reason)))
  #fail: ((error: GivenUp) => void) | undefined
  #began = 0
  #timer: NodeJS.Timeout | undefined

  constructor(what: string, seconds: number, signal: AbortSignal | undefined) {
    this.#what = what
    this.#ms = seconds * 1000
    this.#signal = signal
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    this.#arm(this.#ms)
  }

  /** One step. @throws GivenUp when it is no longer waited for */
  async step<T>(run: () => Promise<T>): Promise<T> {
    this.#began = performance.now()
    this.#timer?.ref()
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#fail = reject
        if (this.#signal?.aborted) this.#onAbort()
        else run().then(resolve, reject)
      })
    } finally {
      this.#fail = undefined
      this.#timer?.unref()
    }
  }

  /** No more steps. */
  end(): void {
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#fail === undefined ? this.#ms : this.#began + this.#ms - performance.now()
      if (left > 0) this.#arm(left)
      else this.#fail?.(new GivenUp(timeout(this.#what, this.#ms / 1000)))
    }, ms)
    if (this.#fail === undefined) this.#timer.unref()
  }
}

/** What bounds one request, beside the policy. */
export interface RequestLimits {
  readonly signal?: AbortSignal | undefined
  /** How many bytes it moves, where that is known. */
  readonly bytes?: number
  /** The time that it waits for this is not its own. */
  readonly after?: Promise<unknown> | undefined
}

/** What is left of tries and seconds. */
export class Budget {
  readonly #policy: Required<RetryPolicy>
  readonly #end: number
  #tried = 0

  constructor(policy: Required<RetryPolicy>) {
    this.#policy = policy
    this.#end = policy.now() + policy.seconds * 1000
  }

  /**
   * Waits before the next try: with full jitter, and at least as long as the store asked for. Returns false, at once, when the error
   * is not one to try again after or nothing is left.
   *
   * @throws AbortedError when the signal is aborted meanwhile
   */
  async next(error: unknown, signal?: AbortSignal): Promise<boolean> {
    const { tries, firstPauseMs, longestPauseMs, random, now, sleep } = this.#policy
    const reason = error instanceof GivenUp ? error.reason : error
    this.#tried++
    if (!isRetryable(reason) || this.#tried >= tries) return false
    const jitter = random() * Math.min(longestPauseMs, firstPauseMs * 2 ** (this.#tried - 1))
    const asked = reason instanceof StoreThrottledError ? reason.data.retryAfterMs : undefined
    const ms = typeof asked === 'number' ? asked + jitter : jitter
    if (now() + ms > this.#end) return false
    try {
      await sleep(ms, signal)
    } catch (error) {
      throw signal?.aborted ? new AbortedError('The pause before another try', signal.reason) : error
    }
    return true
  }
}

function timeout(what: string, seconds: number): StoreTimeoutError {
  return new StoreTimeoutError('STORE_TIMEOUT', `${what} was not answered within ${Math.round(seconds)} seconds.`, {
    remedy: 'Run it again; if it stays, look at the network or allow more time.',
    data: { seconds },
  })
}
