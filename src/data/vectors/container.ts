/**
 * One container of a roaring bitmap: the numbers from 0 to 65,535 that share their upper bits, as a sorted array while they are few, as
 * bits where they are many, or as runs where a writer found runs shorter. Runs stay runs: a few bytes of them can stand for a whole
 * container, and a vector must not need much more memory than its file has bytes.
 */

/** A set of numbers from 0 to 65,535, never empty. */
export type Container =
  | { readonly kind: 'array'; readonly size: number; readonly values: Uint16Array }
  | { readonly kind: 'bits'; readonly size: number; readonly words: Uint32Array }
  /** Pairs of a first number and how many follow it, ascending, apart from each other. */
  | { readonly kind: 'runs'; readonly size: number; readonly pairs: Uint16Array }

/** Up to so many numbers a container is an array, and not bits. */
export const mostInArray = 4096

/** The words of a container of bits. */
export const wordsOfBits = 2048

/** Whether a container holds a number. */
export function hasValue(container: Container, value: number): boolean {
  switch (container.kind) {
    case 'bits':
      return ((container.words[value >>> 5]! >>> (value & 31)) & 1) === 1
    case 'array': {
      const place = placeOf(container.values.length, (index) => container.values[index]!, value)
      return place >= 0 && container.values[place] === value
    }
    case 'runs': {
      const { pairs } = container
      const place = placeOf(pairs.length / 2, (index) => pairs[2 * index]!, value)
      return place >= 0 && value - pairs[2 * place]! <= pairs[2 * place + 1]!
    }
  }
}

/** The least number of a container. */
export function firstValue(container: Container): number {
  if (container.kind !== 'bits') return (container.kind === 'array' ? container.values : container.pairs)[0]!
  const word = container.words.findIndex((bits) => bits !== 0)
  const bits = container.words[word]!
  return 32 * word + 31 - Math.clz32(bits & -bits)
}

/** The greatest number of a container. */
export function lastValue(container: Container): number {
  if (container.kind === 'array') return container.values.at(-1)!
  if (container.kind === 'runs') return container.pairs.at(-2)! + container.pairs.at(-1)!
  let word = wordsOfBits - 1
  while (container.words[word] === 0) word -= 1
  return 32 * word + 31 - Math.clz32(container.words[word]!)
}

/** The numbers of a container, ascending. */
export function valuesOf(container: Container): Uint16Array {
  if (container.kind === 'array') return container.values
  const values = new Uint16Array(container.size)
  let next = 0
  if (container.kind === 'runs') {
    for (let i = 0; i < container.pairs.length; i += 2) {
      for (let value = container.pairs[i]!, left = container.pairs[i + 1]!; left >= 0; left--) values[next++] = value++
    }
    return values
  }
  for (let word = 0; word < wordsOfBits; word++) {
    for (let rest = container.words[word]!; rest !== 0; rest &= rest - 1) values[next++] = 32 * word + 31 - Math.clz32(rest & -rest)
  }
  return values
}

/** The numbers of a container as bits, which may be the container's own. */
function wordsOf(container: Container): Uint32Array {
  if (container.kind === 'bits') return container.words
  const words = new Uint32Array(wordsOfBits)
  if (container.kind === 'array') {
    for (const value of container.values) words[value >>> 5]! |= 1 << (value & 31)
    return words
  }
  for (let i = 0; i < container.pairs.length; i += 2) setRange(words, container.pairs[i]!, container.pairs[i]! + container.pairs[i + 1]!)
  return words
}

/** A container of bits, in the form that suits their number; `undefined` for none. The words are taken over. */
export function containerOfWords(words: Uint32Array): Container | undefined {
  let size = 0
  for (const word of words) size += bitCount(word)
  if (size === 0) return undefined
  const bits: Container = { kind: 'bits', size, words }
  return size > mostInArray ? bits : { kind: 'array', size, values: valuesOf(bits) }
}

/** The numbers in either. */
export function unionOf(left: Container, right: Container): Container {
  const words = wordsOf(left).slice()
  wordsOf(right).forEach((word, index) => {
    words[index]! |= word
  })
  return containerOfWords(words)!
}

/** The numbers of the first that are not in the second; `undefined` for none. */
export function differenceOf(left: Container, right: Container): Container | undefined {
  const words = wordsOf(left).slice()
  wordsOf(right).forEach((word, index) => {
    words[index]! &= ~word
  })
  return containerOfWords(words)
}

/** The container as runs, where it is shorter so than in any other form. */
export function withRuns(container: Container): Container {
  if (container.kind === 'runs') return container
  const values = valuesOf(container)
  let runs = 1
  for (let i = 1; i < values.length; i++) if (values[i] !== values[i - 1]! + 1) runs += 1
  if (2 + 4 * runs >= (container.kind === 'bits' ? 4 * wordsOfBits : 2 * values.length)) return container
  const pairs = new Uint16Array(2 * runs)
  let next = -2
  for (let i = 0; i < values.length; i++) {
    if (i > 0 && values[i] === values[i - 1]! + 1) pairs[next + 1]! += 1
    else {
      next += 2
      pairs[next] = values[i]!
    }
  }
  return { kind: 'runs', size: container.size, pairs }
}

function setRange(words: Uint32Array, first: number, last: number): void {
  const [from, to] = [first >>> 5, last >>> 5]
  const head = -1 << (first & 31)
  const tail = -1 >>> (31 - (last & 31))
  if (from === to) {
    words[from]! |= head & tail
    return
  }
  words[from]! |= head
  words.fill(-1, from + 1, to)
  words[to]! |= tail
}

/** The last of the ascending values that is at most the one sought; -1 where all are greater. */
function placeOf(count: number, at: (index: number) => number, sought: number): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (at(middle) <= sought) low = middle + 1
    else high = middle
  }
  return low - 1
}

function bitCount(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return (((fours + (fours >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24
}
