/** From when until when actions of a tail count, in JavaScript: by it the files of a version are told without asking the engine. */

/** What an action is until, where nothing ends it. */
export const forever = Number.MAX_SAFE_INTEGER

/** Spans by the ids of actions. */
export class Spans {
  #from: Float64Array
  #until: Float64Array
  #length: number

  /** `from`: the version of an add, `forever` of a removal; `until`: the version that ends it. */
  constructor(from: Float64Array, until: Float64Array) {
    this.#from = from
    this.#until = until
    this.#length = from.length
  }

  get length(): number {
    return this.#length
  }

  /** Adds the next action. */
  push(from: number): void {
    if (this.#length === this.#from.length) {
      this.#from = grown(this.#from)
      this.#until = grown(this.#until)
    }
    this.#from[this.#length] = from
    this.#until[this.#length] = forever
    this.#length += 1
  }

  /** Ends an action. No version before is told otherwise. */
  end(id: number, until: number): void {
    this.#until[id] = until
  }

  /** 1 where a version has the file, by its place; `undefined` where it has all. */
  live(places: Float64Array, version: number): Uint8Array | undefined {
    const live = new Uint8Array(places.length)
    let all = true
    for (let i = 0; i < places.length; i++) {
      const id = places[i]!
      if (this.#from[id]! <= version && this.#until[id]! > version) live[i] = 1
      else all = false
    }
    return all ? undefined : live
  }
}

function grown(array: Float64Array): Float64Array {
  const larger = new Float64Array(Math.max(16, array.length * 2))
  larger.set(array)
  return larger
}
