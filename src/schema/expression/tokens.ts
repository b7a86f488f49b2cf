/**
 * The words of an expression. Two spellings are read: `spark`, which is what stands in a table's metadata, and `any`, for what a user
 * types: DuckDB's quotes or Spark's. What the two read differently (a backslash in a text, a double quote) is taken as one of them only
 * where the spelling is known, and otherwise refused.
 */
import { Refusal } from './refusal.ts'

/** How a text is spelt: `spark` for what a table's metadata holds, `any` for what a user types. */
export type Spelling = 'spark' | 'any'

/** One word. */
export interface Token {
  /** `word`: a name or a key word; `quoted`: a name in quotes; `end`: after the last. */
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'symbol' | 'end'
  readonly text: string
}

const longest = 10_000
/** However they are nested, the engine takes as many. */
const mostWords = 500
const symbols = ['<=>', '<=', '>=', '<>', '!=', '==', '||', '::', '//', '(', ')', ',', '.', '+', '-', '*', '/', '%', '=', '<', '>'] as const

/** Splits a text into its words; the last is `end`. @throws Refusal */
export function tokenize(text: string, spelling: Spelling): Token[] {
  if (text.length > longest) throw new Refusal(`it is longer than ${longest} characters`)
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    const rest = text.slice(at)
    const space = /^[ \t\r\n]+/.exec(rest)
    if (space) {
      at += space[0].length
      continue
    }
    const [token, length] = next(rest, spelling)
    if (token.kind === 'string' && tokens.at(-1)?.kind === 'string') throw new Refusal('two texts stand side by side')
    tokens.push(token)
    if (tokens.length > mostWords) throw new Refusal(`it has more than ${mostWords} words`)
    at += length
  }
  tokens.push({ kind: 'end', text: '' })
  return tokens
}

function next(rest: string, spelling: Spelling): [Token, number] {
  if (rest.startsWith('--') || rest.startsWith('/*')) throw new Refusal('it holds a comment')
  const first = rest[0]!
  if (first === "'" || (first === '"' && spelling === 'spark')) return readString(rest, first, spelling)
  if (first === '`' || first === '"') return readQuoted(rest, first)
  const number = /^(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?/.exec(rest)
  if (number) {
    const suffix = /^(BD|[LSYDF])/i.exec(rest.slice(number[0].length))?.[0] ?? ''
    const length = number[0].length + suffix.length
    if (/^\w/.test(rest.slice(length))) throw new Refusal(`${JSON.stringify(rest.slice(0, length + 1))} is neither a number nor a name`)
    return [{ kind: 'number', text: number[0] + suffix.toUpperCase() }, length]
  }
  const word = /^[A-Za-z_]\w*/.exec(rest)
  if (word) return [{ kind: 'word', text: word[0] }, word[0].length]
  const symbol = symbols.find((each) => rest.startsWith(each))
  if (symbol === undefined)
    throw new Refusal(`the character ${JSON.stringify(String.fromCodePoint(rest.codePointAt(0)!))} means nothing here`)
  return [{ kind: 'symbol', text: symbol }, symbol.length]
}

function readQuoted(rest: string, quote: string): [Token, number] {
  let text = ''
  for (let at = 1; at < rest.length; at += 1) {
    if (rest[at] !== quote) text += rest[at]
    else if (rest[at + 1] === quote) {
      text += quote
      at += 1
    } else if (text === '') break
    else return [{ kind: 'quoted', text }, at + 1]
  }
  throw new Refusal('a quoted name has no end, or nothing in it')
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '%': '\\%',
  _: '\\_',
}

function readString(rest: string, quote: string, spelling: Spelling): [Token, number] {
  let text = ''
  for (let at = 1; at < rest.length; at += 1) {
    const char = rest[at]!
    if (char === quote) {
      if (rest[at + 1] !== quote) return [{ kind: 'string', text }, at + 1]
      // Spark 4 reads a quote there, Spark 3 reads two texts and puts them together.
      if (spelling === 'spark') throw new Refusal('a text holds a doubled quote, which not all versions of Spark read alike')
      text += quote
      at += 1
    } else if (char === '\\') {
      if (spelling === 'any') throw new Refusal('a text holds a backslash, which DuckDB and Spark read differently')
      const unicode = /^u([0-9a-fA-F]{4})/.exec(rest.slice(at + 1))
      const meant = unicode ? String.fromCharCode(Number.parseInt(unicode[1]!, 16)) : escapes[rest[at + 1] ?? '']
      if (meant === undefined || meant === '\0') throw new Refusal(`a text holds ${JSON.stringify(rest.slice(at, at + 2))}`)
      text += meant
      at += unicode ? 5 : 1
    } else text += char
  }
  throw new Refusal('a text has no end')
}
