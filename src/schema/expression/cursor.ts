/** A place among the words of an expression, from which the parser takes what it expects. */
import { Refusal } from './refusal.ts'
import type { Token } from './tokens.ts'

/** The words, and how far they have been taken. The last one is `end`, and is never passed. */
export class Cursor {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  /** The next word. */
  get peek(): Token {
    return this.#tokens[this.#at]!
  }

  /** The word after the next, where the next is not the end. */
  get following(): Token {
    return this.#tokens[this.#at + 1]!
  }

  /** Takes the next word, whatever it is. @returns its text */
  take(): string {
    const { kind, text } = this.peek
    if (kind !== 'end') this.#at += 1
    return text
  }

  /** Takes a key word, in whatever case, where it is the next. */
  word(word: string): boolean {
    const { kind, text } = this.peek
    if (kind !== 'word' || text.toUpperCase() !== word) return false
    this.#at += 1
    return true
  }

  /** Takes a key word that must come next. @throws Refusal */
  keyword(word: string): void {
    if (!this.word(word)) throw this.unexpected(word)
  }

  /** Takes one of some symbols, where one is the next. */
  symbol(...among: readonly string[]): string | undefined {
    const { kind, text } = this.peek
    if (kind !== 'symbol' || !among.includes(text)) return undefined
    this.#at += 1
    return text
  }

  /** Takes a symbol that must come next. @throws Refusal */
  expect(symbol: string): void {
    if (this.symbol(symbol) === undefined) throw this.unexpected(symbol)
  }

  /** Takes a name. @throws Refusal */
  name(): string {
    const { kind } = this.peek
    if (kind !== 'word' && kind !== 'quoted') throw this.unexpected('a name')
    return this.take()
  }

  /** Takes a text. @throws Refusal */
  string(): string {
    if (this.peek.kind !== 'string') throw this.unexpected('a text')
    return this.take()
  }

  /** Why the next word is not taken: it is not what is `wanted`. */
  unexpected(wanted?: string): Refusal {
    const found = this.peek.kind === 'end' ? 'its end' : JSON.stringify(this.peek.text)
    return new Refusal(wanted === undefined ? `${found} stands where it means nothing` : `${wanted} is missing before ${found}`)
  }
}
