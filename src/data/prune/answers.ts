/**
 * Answers about files: what a predicate can be for the rows of each, true, false or NULL, a bit for each that it may be. There may be a
 * million of them, so they lie in bytes, and are joined and searched four at a time.
 */

/** Bits of an answer. */
export const mayBeTrue = 1
export const mayBeFalse = 2
export const mayBeNull = 4
export const valued = mayBeTrue | mayBeFalse
export const anything = valued | mayBeNull

/** A bit in each of four answers. */
const ones = 0x01010101

/** Room for so many answers, in whole words: the other functions take no other arrays. */
export function answersFor(count: number): Uint8Array {
  return new Uint8Array(new ArrayBuffer((count + 3) & ~3), 0, count)
}

/** The answer that a value gives which may be true, and may be false. */
export function answerOf(mayTrue: boolean, mayFalse: boolean): number {
  return (mayTrue ? mayBeTrue : 0) | (mayFalse ? mayBeFalse : 0)
}

/** NOT of an answer. */
export function negated(answer: number): number {
  return ((answer & mayBeTrue) << 1) | ((answer & mayBeFalse) >> 1) | (answer & mayBeNull)
}

/** Puts another answer in the place of each. Returns the same array. */
export function replaceAnswers(answers: Uint8Array, other: (answer: number) => number): Uint8Array {
  for (let i = 0; i < answers.length; i++) answers[i] = other(answers[i]!)
  return answers
}

/**
 * AND or OR of answers, into the first array. One truth value decides alone: it may come out where it may be on either side; the other where
 * it may be on both; NULL where one side may be NULL, and the other may be something else than what decides.
 */
export function joinAnswers(answers: Uint8Array, others: Uint8Array, op: 'and' | 'or'): void {
  const [alone, both] = op === 'and' ? [mayBeFalse, mayBeTrue] : [mayBeTrue, mayBeFalse]
  const shift = both >> 1
  const [left, right] = [wordsOf(answers), wordsOf(others)]
  for (let i = 0; i < left.length; i++) {
    const a = left[i]!
    const b = right[i]!
    const aNull = (a >>> 2) & ones
    const bNull = (b >>> 2) & ones
    const isNull = (aNull & ((b >>> shift) | bNull)) | (bNull & ((a >>> shift) | aNull))
    left[i] = ((a | b) & (alone * ones)) | (a & b & (both * ones)) | ((isNull & ones) << 2)
  }
}

/** Calls `found` with the place of each answer that has a bit of `wanted`, in their order. Of many files few do. */
export function eachAnswer(answers: Uint8Array, wanted: number, found: (place: number) => void): void {
  const inAll = wanted * ones
  const words = wordsOf(answers)
  for (let word = 0; word < words.length; word++) {
    if ((words[word]! & inAll) === 0) continue
    const end = Math.min(answers.length, word * 4 + 4)
    for (let i = word * 4; i < end; i++) if ((answers[i]! & wanted) !== 0) found(i)
  }
}

function wordsOf(answers: Uint8Array): Int32Array {
  return new Int32Array(answers.buffer, 0, (answers.length + 3) >> 2)
}
