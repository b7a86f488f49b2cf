import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson, stringifyJson } from '../../src/schema/json.ts'

describe('parseJson', () => {
  it('keeps integers beyond 2^53 as bigints, and all others as numbers', () => {
    expect(parseJson('[99999999999999999, -9223372036854775808, 9007199254740991, 1234567890123456.5, 1e20, 7]')).toEqual([
      99999999999999999n,
      -9223372036854775808n,
      9007199254740991,
      1234567890123456.5,
      1e20,
      7,
    ])
  })

  it.each(['{"__proto__":{"a":1}}', '{"__proto__":{"a":12345678901234567890}}'])('takes __proto__ for a key like any other: %s', (text) => {
    const parsed = parseJson(text) as object
    expect(Object.keys(parsed)).toEqual(['__proto__'])
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype)
    expect(stringifyJson(parsed)).toBe(text)
  })

  it('lets the last of equal keys win, with and without long numbers', () => {
    expect(parseJson('{"a":1,"a":2}')).toEqual({ a: 2 })
    expect(parseJson('{"a":1,"a":12345678901234567890}')).toEqual({ a: 12345678901234567890n })
  })

  it.each(['', '{', '{"a":12345678901234567890', 'nul', '{"a":01}'])('throws SyntaxError for %j', (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError)
  })

  it('gives back what stringifyJson wrote', () => {
    const integer = fc
      .bigInt({ min: -(2n ** 70n), max: 2n ** 70n })
      .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value))
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 3 },
        integer,
        fc.string({ unit: 'grapheme' }),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('tree')),
        fc.dictionary(fc.string(), tie('tree')),
      ),
    }))
    fc.assert(
      fc.property(tree, (value) => {
        expect(parseJson(stringifyJson(value))).toEqual(value)
      }),
    )
  })
})

describe('stringifyJson', () => {
  it('leaves out keys that are undefined, and has a text for undefined itself', () => {
    expect(stringifyJson({ a: undefined, b: 1n })).toBe('{"b":1}')
    expect(stringifyJson(undefined)).toBe('null')
  })
})
