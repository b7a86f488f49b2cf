/**
 * A text to a tree, by Spark's precedence: OR, AND, NOT, comparisons with the predicates, `+ - ||`, `* / % DIV`, signs. What Spark and
 * DuckDB bind differently (a comparison of a comparison, `a = b IN (...)`) wants brackets.
 */
import { decimalType } from '../sql-type.ts'
import type { PrimitiveType } from '../types.ts'
import { dateText, timestampText } from './literals.ts'
import { Refusal } from './refusal.ts'
import type { BinaryOperator, Literal, Syntax } from './syntax.ts'
import { type Spelling, type Token, tokenize } from './tokens.ts'

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
  readonly #tokens: readonly Token[]
  readonly #spelling: Spelling
  #at = 0
  #depth = 0

  constructor(tokens: readonly Token[], spelling: Spelling) {
    this.#tokens = tokens
    this.#spelling = spelling
  }

  end(): void {
    if (this.#peek.kind !== 'end') throw this.#unexpected()
  }

  expression(): Syntax {
    this.#depth += 1
    if (this.#depth > deepest) throw new Refusal('it is nested too deeply')
    let left = this.#and()
    while (this.#word('OR')) left = { kind: 'binary', operator: 'OR', left, right: this.#and() }
    this.#depth -= 1
    return left
  }

  #and(): Syntax {
    let left = this.#not()
    while (this.#word('AND')) left = { kind: 'binary', operator: 'AND', left, right: this.#not() }
    return left
  }

  #not(): Syntax {
    let negations = 0
    while (this.#word('NOT')) negations += 1
    let operand = this.#predicate()
    for (; negations > 0; negations -= 1) operand = { kind: 'not', operand }
    return operand
  }

  #predicate(): Syntax {
    let operand = this.#additive()
    const operator = this.#peek.kind === 'symbol' ? comparisons[this.#peek.text] : undefined
    if (operator !== undefined) {
      this.#at += 1
      operand = { kind: 'binary', operator, left: operand, right: this.#additive() }
      if (this.#peek.kind === 'symbol' && this.#peek.text in comparisons) throw new Refusal('it compares a comparison without brackets')
    }
    if (this.#word('IS')) operand = this.#is(operand)
    const negated = this.#word('NOT')
    const word = this.#peek.kind === 'word' ? this.#peek.text.toUpperCase() : ''
    if (word !== 'IN' && word !== 'BETWEEN' && word !== 'LIKE') {
      if (negated) throw this.#unexpected()
      return operand
    }
    if (operator !== undefined || operand.kind === 'is') throw new Refusal(`${word} stands behind a comparison without brackets`)
    this.#at += 1
    if (word === 'IN') return { kind: 'in', operand, items: this.#list(), negated }
    if (word === 'LIKE') {
      const pattern = this.#additive()
      return { kind: 'like', operand, pattern, escape: this.#word('ESCAPE') ? this.#string() : this.#defaultEscape(), negated }
    }
    const low = this.#additive()
    this.#keyword('AND')
    return { kind: 'between', operand, low, high: this.#additive(), negated }
  }

  /** Spark's LIKE has a backslash for an escape, DuckDB's none; what a user types holds no backslash, so either reads it alike. */
  #defaultEscape(): string {
    return '\\'
  }

  #is(operand: Syntax): Syntax {
    const negated = this.#word('NOT')
    for (const what of ['NULL', 'TRUE', 'FALSE'] as const) if (this.#word(what)) return { kind: 'is', operand, what, negated }
    this.#keyword('DISTINCT')
    this.#keyword('FROM')
    const same: Syntax = { kind: 'binary', operator: '<=>', left: operand, right: this.#additive() }
    return negated ? same : { kind: 'not', operand: same }
  }

  #additive(): Syntax {
    let left = this.#multiplicative()
    for (;;) {
      const operator = this.#symbol('+', '-', '||')
      if (operator === undefined) return left
      left = { kind: 'binary', operator: operator as BinaryOperator, left, right: this.#multiplicative() }
    }
  }

  #multiplicative(): Syntax {
    let left = this.#sign()
    for (;;) {
      const operator =
        this.#symbol('*', '/', '%') ?? (this.#word('DIV') || (this.#spelling === 'any' && this.#symbol('//')) ? 'DIV' : undefined)
      if (operator === undefined) return left
      left = { kind: 'binary', operator: operator as BinaryOperator, left, right: this.#sign() }
    }
  }

  #sign(): Syntax {
    if (this.#symbol('-')) {
      if (this.#peek.kind === 'number') return this.#number('-')
      this.#depth += 1
      if (this.#depth > deepest) throw new Refusal('it is nested too deeply')
      const operand = this.#sign()
      this.#depth -= 1
      return { kind: 'negative', operand }
    }
    let operand = this.#primary()
    while (this.#symbol('::')) operand = { kind: 'cast', operand, type: this.#type() }
    return operand
  }

  #primary(): Syntax {
    const token = this.#peek
    if (token.kind === 'number') return this.#number('')
    if (token.kind === 'string') return literal('string', this.#string())
    if (this.#symbol('(')) {
      const inner = this.expression()
      this.#expect(')')
      return inner
    }
    if (token.kind === 'quoted') return this.#column()
    if (token.kind !== 'word') throw this.#unexpected()
    const word = token.text.toUpperCase()
    const following = this.#tokens[this.#at + 1]!
    if (following.kind === 'string') return this.#typedLiteral(word)
    if (word === 'CASE') return this.#case()
    if (following.kind === 'symbol' && following.text === '(') return this.#call(word)
    if (word === 'NULL') return this.#take(literal('void', ''))
    if (word === 'TRUE' || word === 'FALSE') return this.#take(literal('boolean', word.toLowerCase()))
    if (word === 'CURRENT_DATE' || word === 'CURRENT_TIMESTAMP') return this.#take({ kind: 'call', name: word.toLowerCase(), args: [] })
    if (reserved.has(word)) throw this.#unexpected()
    return this.#column()
  }

  #column(): Syntax {
    const path = [this.#name()]
    while (this.#symbol('.')) path.push(this.#name())
    return { kind: 'column', path }
  }

  #call(word: string): Syntax {
    this.#at += 1
    if (word === 'CAST') {
      this.#expect('(')
      const operand = this.expression()
      this.#keyword('AS')
      const type = this.#type()
      this.#expect(')')
      return { kind: 'cast', operand, type }
    }
    if (word === 'EXTRACT') {
      this.#expect('(')
      const name = this.#name().toLowerCase()
      this.#keyword('FROM')
      const operand = this.expression()
      this.#expect(')')
      return { kind: 'call', name, args: [operand] }
    }
    if (reserved.has(word)) throw new Refusal(`it uses ${word}`)
    return { kind: 'call', name: word.toLowerCase(), args: this.#list() }
  }

  #list(): Syntax[] {
    this.#expect('(')
    const items: Syntax[] = []
    if (this.#symbol(')')) return items
    do items.push(this.expression())
    while (this.#symbol(','))
    this.#expect(')')
    return items
  }

  #case(): Syntax {
    this.#at += 1
    const operand = this.#peek.text.toUpperCase() === 'WHEN' ? undefined : this.expression()
    const branches: (readonly [Syntax, Syntax])[] = []
    while (this.#word('WHEN')) {
      const when = this.expression()
      this.#keyword('THEN')
      branches.push([when, this.expression()])
    }
    if (branches.length === 0) throw this.#unexpected()
    const otherwise = this.#word('ELSE') ? this.expression() : undefined
    this.#keyword('END')
    return { kind: 'case', operand, branches, otherwise }
  }

  #typedLiteral(word: string): Syntax {
    this.#at += 1
    const text = this.#string()
    switch (word) {
      case 'DATE':
        return literal('date', required(dateText(text), text))
      case 'TIMESTAMP':
      case 'TIMESTAMP_LTZ':
        return literal('timestamp', required(timestampText(text), text))
      case 'TIMESTAMPTZ':
        if (this.#spelling === 'any') return literal('timestamp', required(timestampText(text), text))
        break
      case 'TIMESTAMP_NTZ':
        return literal('timestamp_ntz', required(/[Z+]|\d-\d\d:?\d\d$/i.test(text) ? undefined : timestampText(text), text))
      case 'X':
        if (/^([0-9a-fA-F]{2})*$/.test(text)) return literal('binary', text.toUpperCase())
    }
    throw new Refusal(`${word}'${text}' is no constant that is known`)
  }

  #number(sign: '-' | ''): Syntax {
    const [, digits = '', fraction, exponent, suffix] = /^(\d*)(\.\d*)?([eE][+-]?\d+)?(BD|[LSYDF])?$/.exec(this.#take(this.#peek).text)!
    const text = sign + digits + (fraction ?? '') + (exponent ?? '')
    if (suffix === 'D' || (suffix === undefined && exponent !== undefined)) return literal('double', text)
    if (suffix === 'F' || exponent !== undefined) throw new Refusal(`${text}${suffix} is no constant that is known`)
    if (fraction !== undefined || suffix === 'BD') {
      if (suffix !== undefined && suffix !== 'BD') throw new Refusal(`${text}${suffix} is no constant that is known`)
      return decimalLiteral(sign, digits, fraction?.slice(1) ?? '')
    }
    const value = BigInt(text)
    const named = { Y: 'byte', S: 'short', L: 'long' }[suffix ?? ''] as PrimitiveType | undefined
    const type = named ?? (fits(value, 32) ? 'integer' : 'long')
    const bits = { byte: 8, short: 16, integer: 32, long: 64 }[type as 'byte']
    if (!fits(value, bits)) {
      if (named !== undefined) throw new Refusal(`${text} does not fit its type`)
      return decimalLiteral(sign, digits, '')
    }
    return literal(type, String(value))
  }

  #type(): PrimitiveType {
    const word = this.#name().toUpperCase()
    const known = types[word] ?? (this.#spelling === 'any' ? duckdbTypes[word] : undefined)
    if (known !== undefined) return known
    if (word !== 'DECIMAL' && word !== 'DEC' && word !== 'NUMERIC') throw new Refusal(`the type ${word} is not known`)
    if (!this.#symbol('(')) {
      if (this.#spelling === 'any')
        throw new Refusal('a DECIMAL needs its digits, as in DECIMAL(10,2): DuckDB and Spark have different ones')
      return decimalType(10, 0)
    }
    const precision = Number(this.#take(this.#peek).text)
    const scale = this.#symbol(',') ? Number(this.#take(this.#peek).text) : 0
    this.#expect(')')
    if (!(Number.isInteger(precision) && Number.isInteger(scale) && precision >= 1 && precision <= 38 && scale <= precision && scale >= 0))
      throw new Refusal('a DECIMAL has impossible digits')
    return decimalType(precision, scale)
  }

  get #peek(): Token {
    return this.#tokens[this.#at]!
  }

  #take<T>(what: T): T {
    this.#at += 1
    return what
  }

  #word(word: string): boolean {
    const { kind, text } = this.#peek
    if (kind !== 'word' || text.toUpperCase() !== word) return false
    this.#at += 1
    return true
  }

  #keyword(word: string): void {
    if (!this.#word(word)) throw this.#unexpected(word)
  }

  #symbol(...among: readonly string[]): string | undefined {
    const { kind, text } = this.#peek
    if (kind !== 'symbol' || !among.includes(text)) return undefined
    this.#at += 1
    return text
  }

  #expect(symbol: string): void {
    if (this.#symbol(symbol) === undefined) throw this.#unexpected(symbol)
  }

  #name(): string {
    const { kind, text } = this.#peek
    if (kind !== 'word' && kind !== 'quoted') throw this.#unexpected('a name')
    return this.#take(text)
  }

  #string(): string {
    const { kind, text } = this.#peek
    if (kind !== 'string') throw this.#unexpected('a text')
    return this.#take(text)
  }

  #unexpected(wanted?: string): Refusal {
    const found = this.#peek.kind === 'end' ? 'its end' : JSON.stringify(this.#peek.text)
    return new Refusal(wanted === undefined ? `${found} stands where it means nothing` : `${wanted} is missing before ${found}`)
  }
}

const types: Readonly<Record<string, PrimitiveType>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'byte',
  BYTE: 'byte',
  SMALLINT: 'short',
  SHORT: 'short',
  INT: 'integer',
  INTEGER: 'integer',
  BIGINT: 'long',
  LONG: 'long',
  FLOAT: 'float',
  REAL: 'float',
  DOUBLE: 'double',
  DATE: 'date',
  TIMESTAMP: 'timestamp',
  TIMESTAMP_LTZ: 'timestamp',
  TIMESTAMP_NTZ: 'timestamp_ntz',
  STRING: 'string',
  BINARY: 'binary',
}

const duckdbTypes: Readonly<Record<string, PrimitiveType>> = {
  VARCHAR: 'string',
  TEXT: 'string',
  TIMESTAMPTZ: 'timestamp',
  BLOB: 'binary',
}

function literal(type: PrimitiveType, text: string): Syntax & { kind: 'literal' } {
  return { kind: 'literal', literal: { type, text } satisfies Literal }
}

/** As Spark counts: the digits before the point without leading zeros, and all behind it. */
function decimalLiteral(sign: string, digits: string, fraction: string): Syntax {
  const whole = digits.replace(/^0+/, '')
  const precision = Math.max(whole.length + fraction.length, 1)
  if (precision > 38) throw new Refusal('a number has more than 38 digits')
  return literal(decimalType(precision, fraction.length), `${sign}${whole || '0'}${fraction && `.${fraction}`}`)
}

function fits(value: bigint, bits: number): boolean {
  return BigInt.asIntN(bits, value) === value
}

function required(text: string | undefined, given: string): string {
  if (text === undefined) throw new Refusal(`${JSON.stringify(given)} is not spelt as all engines read it`)
  return text
}
