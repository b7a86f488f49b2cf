/** Which requests a faulty store spoils, and how. */
import type { StoreOperation } from './counting-store.ts'

/**
 * How a request fails:
 *
 * - `drop`: it never reaches the store.
 * - `lost-response`: it is done, and the answer is lost.
 * - `lands-late`: the caller is told that it failed, and a write is done some time after. Reads are dropped.
 * - `reset`: the connection ends in the middle. A read or a listing has given a part by then; a write is not done.
 * - `short`: a read gives fewer bytes than it should and says nothing; a write is refused for its length.
 * - `stall`: no answer until the caller gives up. Whether a write was done before is left to chance.
 * - `flip`: one bit of the body is turned, on either way.
 * - `throttled`: refused, with a pause asked for.
 */
export type FaultKind = 'drop' | 'lost-response' | 'lands-late' | 'reset' | 'short' | 'stall' | 'flip' | 'throttled'

/** A rule. The first that fits a request decides. */
export interface Fault {
  readonly kind: FaultKind
  /** Default: every operation. */
  readonly operation?: StoreOperation | readonly StoreOperation[]
  /** A pattern of keys, or the text that they start with. Default: every key. */
  readonly key?: RegExp | string
  /** How many requests that fit are let through first. Default 0. */
  readonly skip?: number
  /** How many requests are spoilt. Default 1. */
  readonly times?: number
  /** How likely a request that fits is spoilt. Default 1. */
  readonly probability?: number
  /** For `lands-late`: after how many milliseconds at most. Default 20. */
  readonly lateMs?: number
  /** For `throttled`: the pause asked for, in milliseconds. Default: none is named. */
  readonly retryAfterMs?: number
}

/** The rules, and the seed that decides wherever chance does. */
export interface FaultPlan {
  readonly faults: readonly Fault[]
  /** Default 1. */
  readonly seed?: number
}

/** A plan at work. */
export class Faults {
  readonly random: () => number
  readonly #rules: { readonly fault: Fault; seen: number; done: number }[]

  constructor(plan: FaultPlan) {
    this.random = seededRandom(plan.seed ?? 1)
    this.#rules = plan.faults.map((fault) => ({ fault, seen: 0, done: 0 }))
  }

  /** The fault for a request, counted; `undefined` lets it through. */
  next(operation: StoreOperation, key: string): Fault | undefined {
    for (const rule of this.#rules) {
      const { fault } = rule
      if (!fits(fault, operation, key)) continue
      if (rule.seen++ < (fault.skip ?? 0) || rule.done >= (fault.times ?? 1)) continue
      if (fault.probability !== undefined && this.random() >= fault.probability) continue
      rule.done++
      return fault
    }
    return undefined
  }
}

/** Numbers from 0 (inclusive) to 1 (exclusive), the same for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function fits(fault: Fault, operation: StoreOperation, key: string): boolean {
  const operations = fault.operation
  if (typeof operations === 'string' ? operations !== operation : operations !== undefined && !operations.includes(operation)) return false
  if (fault.key === undefined) return true
  return typeof fault.key === 'string' ? key.startsWith(fault.key) : fault.key.test(key)
}
