/** Answers of many files at once are those of each file by itself. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answersFor, eachAnswer, joinAnswers } from '../../src/data/prune/answers.ts'

type Truth = true | false | null

const truths: readonly Truth[] = [true, false, null]
const sql = {
  and: (a: Truth, b: Truth): Truth => (a === false || b === false ? false : a === null || b === null ? null : true),
  or: (a: Truth, b: Truth): Truth => (a === true || b === true ? true : a === null || b === null ? null : false),
}
const answer = fc.integer({ min: 0, max: 7 })

function filled(values: readonly number[]): Uint8Array {
  const answers = answersFor(values.length)
  answers.set(values)
  return answers
}

function bitsOf(possible: Iterable<Truth>): number {
  return [...possible].reduce((bits, truth) => bits | (1 << truths.indexOf(truth)), 0)
}

test('AND and OR of two answers hold what any truth value of one gives with any of the other', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(answer, answer), { maxLength: 21 }), fc.constantFrom('and', 'or'), (pairs, op) => {
      const answers = filled(pairs.map(([one]) => one))
      joinAnswers(answers, filled(pairs.map(([, other]) => other)), op)
      const possible = (bits: number) => truths.filter((_, place) => (bits >> place) & 1)
      const expected = pairs.map(([one, other]) => bitsOf(possible(one).flatMap((a) => possible(other).map((b) => sql[op](a, b)))))
      // What can be nothing has no rows.
      const withRows = pairs.map(([one, other]) => one !== 0 && other !== 0)
      expect([...answers].filter((_, place) => withRows[place])).toEqual(expected.filter((_, place) => withRows[place]))
    }),
  )
})

test('the places of answers, whatever their number', () => {
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 21 }), fc.constantFrom(1, 2, 4, 5), (values, wanted) => {
      const found: number[] = []
      eachAnswer(filled(values), wanted, (place) => found.push(place))
      expect(found).toEqual(values.flatMap((value, place) => (value & wanted ? [place] : [])))
    }),
  )
})
