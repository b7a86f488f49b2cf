/**
 * A text to a tree, by Spark's precedence: OR, AND, NOT, comparisons with the predicates, `+ - ||`, `* / % DIV`, signs. What Spark and
 * DuckDB bind differently (a comparison of a comparison, `a = b IN (...)`) wants brackets.
 */
import type { PrimitiveType } from '../types.ts'
import { literal, numberLiteral, typedLiteral } from './constants.ts'
import { Cursor } from './cursor.ts'
import { Refusal } from './refusal.ts'
import type { BinaryOperator, Syntax } from './syntax.ts'
import { type Spelling, type Token, tokenize } from './tokens.ts'
import { readType } from './type-names.ts'

/** Parses one expression. @throws Refusal */
export function parse(text: string, spelling: Spelling): Syntax {
  const parser = new Parser(tokenize(text, spelling), spelling)
  const tree = parser.expression()
  parser.end()
  return tree
}

const deepest = 60
const comparisons: Readonly<Record<string, BinaryOperator>> = {
  '=': '=',
  '==': '=',
  '<>': '<>',
  '!=': '<>',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '<=>': '<=>',
}
/** Words that cannot be a column unless they are quoted. */
const reserved = new Set(
  'AND OR NOT IS NULL TRUE FALSE IN BETWEEN LIKE CASE WHEN THEN ELSE END CAST DIV ESCAPE DISTINCT FROM AS INTERVAL SELECT EXISTS RLIKE ILIKE'.split(
    ' ',
  ),
)

class Parser {
  readonly #cursor: Cursor
  readonly #spelling: Spelling
  #depth = 0

  constructor(tokens: readonly Token[], spelling: Spelling) {
    this.#cursor = new Cursor(tokens)
    this.#spelling = spelling
  }

  end(): void {
    if (this.#cursor.peek.kind !== 'end') throw this.#cursor.unexpected()
  }

  expression(): Syntax {
    this.#depth += 1
    if (this.#depth > deepest) throw new Refusal('it is nested too deeply')
    let left = this.#and()
    while (this.#cursor.word('OR')) left = { kind: 'binary', operator: 'OR', left, right: this.#and() }
    this.#depth -= 1
    return left
  }

  #and(): Syntax {
    let left = this.#not()
    while (this.#cursor.word('AND')) left = { kind: 'binary', operator: 'AND', left, right: this.#not() }
    return left
  }

  #not(): Syntax {
    let negations = 0
    while (this.#cursor.word('NOT')) negations += 1
    let operand = this.#predicate()
    for (; negations > 0; negations -= 1) operand = { kind: 'not', operand }
    return operand
  }

  #predicate(): Syntax {
    let operand = this.#additive()
    const operator = this.#cursor.peek.kind === 'symbol' ? comparisons[this.#cursor.peek.text] : undefined
    if (operator !== undefined) {
      this.#cursor.take()
      operand = { kind: 'binary', operator, left: operand, right: this.#additive() }
      if (this.#cursor.peek.kind === 'symbol' && this.#cursor.peek.text in comparisons)
        throw new Refusal('it compares a comparison without brackets')
    }
    if (this.#cursor.word('IS')) operand = this.#is(operand)
    const negated = this.#cursor.word('NOT')
    const word = this.#cursor.peek.kind === 'word' ? this.#cursor.peek.text.toUpperCase() : ''
    if (word !== 'IN' && word !== 'BETWEEN' && word !== 'LIKE') {
      if (negated) throw this.#cursor.unexpected()
      return operand
    }
    if (operator !== undefined || operand.kind === 'is') throw new Refusal(`${word} stands behind a comparison without brackets`)
    this.#cursor.take()
    if (word === 'IN') return { kind: 'in', operand, items: this.#list(), negated }
    if (word === 'LIKE') {
      const pattern = this.#additive()
      return {
        kind: 'like',
        operand,
        pattern,
        escape: this.#cursor.word('ESCAPE') ? this.#cursor.string() : this.#defaultEscape(),
        negated,
      }
    }
    const low = this.#additive()
    this.#cursor.keyword('AND')
    return { kind: 'between', operand, low, high: this.#additive(), negated }
  }

  /** Spark's LIKE has a backslash for an escape, DuckDB's none; what a user types holds no backslash, so either reads it alike. */
  #defaultEscape(): string {
    return '\\'
  }

  #is(operand: Syntax): Syntax {
    const negated = this.#cursor.word('NOT')
    for (const what of ['NULL', 'TRUE', 'FALSE'] as const) if (this.#cursor.word(what)) return { kind: 'is', operand, what, negated }
    this.#cursor.keyword('DISTINCT')
    this.#cursor.keyword('FROM')
    const same: Syntax = { kind: 'binary', operator: '<=>', left: operand, right: this.#additive() }
    return negated ? same : { kind: 'not', operand: same }
  }

  #additive(): Syntax {
    let left = this.#multiplicative()
    for (;;) {
      const operator = this.#cursor.symbol('+', '-', '||')
      if (operator === undefined) return left
      left = { kind: 'binary', operator: operator as BinaryOperator, left, right: this.#multiplicative() }
    }
  }

  #multiplicative(): Syntax {
    let left = this.#sign()
    for (;;) {
      const operator =
        this.#cursor.symbol('*', '/', '%') ??
        (this.#cursor.word('DIV') || (this.#spelling === 'any' && this.#cursor.symbol('//')) ? 'DIV' : undefined)
      if (operator === undefined) return left
      left = { kind: 'binary', operator: operator as BinaryOperator, left, right: this.#sign() }
    }
  }

  #sign(): Syntax {
    if (this.#cursor.symbol('-')) {
      if (this.#cursor.peek.kind === 'number') return numberLiteral('-', this.#cursor.take())
      this.#depth += 1
      if (this.#depth > deepest) throw new Refusal('it is nested too deeply')
      const operand = this.#sign()
      this.#depth -= 1
      return { kind: 'negative', operand }
    }
    let operand = this.#primary()
    while (this.#cursor.symbol('::')) operand = { kind: 'cast', operand, type: readType(this.#cursor, this.#spelling) }
    return operand
  }

  #primary(): Syntax {
    const token = this.#cursor.peek
    if (token.kind === 'number') return numberLiteral('', this.#cursor.take())
    if (token.kind === 'string') return literal('string', this.#cursor.string())
    if (this.#cursor.symbol('(')) {
      const inner = this.expression()
      this.#cursor.expect(')')
      return inner
    }
    if (token.kind === 'quoted') return this.#column()
    if (token.kind !== 'word') throw this.#cursor.unexpected()
    const word = token.text.toUpperCase()
    const { following } = this.#cursor
    if (following.kind === 'string') {
      this.#cursor.take()
      return typedLiteral(word, this.#cursor.string(), this.#spelling)
    }
    if (word === 'CASE') return this.#case()
    if (following.kind === 'symbol' && following.text === '(') return this.#call(word)
    if (word === 'NULL') return this.#constant('void', '')
    if (word === 'TRUE' || word === 'FALSE') return this.#constant('boolean', word.toLowerCase())
    if (word === 'CURRENT_DATE' || word === 'CURRENT_TIMESTAMP') {
      this.#cursor.take()
      return { kind: 'call', name: word.toLowerCase(), args: [] }
    }
    if (reserved.has(word)) throw this.#cursor.unexpected()
    return this.#column()
  }

  #constant(type: PrimitiveType, text: string): Syntax {
    this.#cursor.take()
    return literal(type, text)
  }

  #column(): Syntax {
    const path = [this.#cursor.name()]
    while (this.#cursor.symbol('.')) path.push(this.#cursor.name())
    return { kind: 'column', path }
  }

  #call(word: string): Syntax {
    this.#cursor.take()
    if (word === 'CAST') {
      this.#cursor.expect('(')
      const operand = this.expression()
      this.#cursor.keyword('AS')
      const type = readType(this.#cursor, this.#spelling)
      this.#cursor.expect(')')
      return { kind: 'cast', operand, type }
    }
    if (word === 'EXTRACT') {
      this.#cursor.expect('(')
      const name = this.#cursor.name().toLowerCase()
      this.#cursor.keyword('FROM')
      const operand = this.expression()
      this.#cursor.expect(')')
      return { kind: 'call', name, args: [operand] }
    }
    if (reserved.has(word)) throw new Refusal(`it uses ${word}`)
    return { kind: 'call', name: word.toLowerCase(), args: this.#list() }
  }

  #list(): Syntax[] {
    this.#cursor.expect('(')
    const items: Syntax[] = []
    if (this.#cursor.symbol(')')) return items
    do items.push(this.expression())
    while (this.#cursor.symbol(','))
    this.#cursor.expect(')')
    return items
  }

  #case(): Syntax {
    this.#cursor.take()
    const operand = this.#cursor.peek.text.toUpperCase() === 'WHEN' ? undefined : this.expression()
    const branches: (readonly [Syntax, Syntax])[] = []
    while (this.#cursor.word('WHEN')) {
      const when = this.expression()
      this.#cursor.keyword('THEN')
      branches.push([when, this.expression()])
    }
    if (branches.length === 0) throw this.#cursor.unexpected()
    const otherwise = this.#cursor.word('ELSE') ? this.expression() : undefined
    this.#cursor.keyword('END')
    return { kind: 'case', operand, branches, otherwise }
  }
}
