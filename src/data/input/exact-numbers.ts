/**
 * JSON in which numbers keep all their digits: DuckDB reads a number with a fraction as a double, and a text as it stands. So the numbers
 * of the columns that want it are put in quotes before DuckDB reads the objects. Keys that it would tell apart by case become one.
 */
import type { Connection } from '../../engine/index.ts'
import { decimalParts } from '../../schema/sql-type.ts'
import type { DataType, StructType } from '../../schema/types.ts'
import { type Staging, spoolStream } from '../../storage/index.ts'

/** The columns, in lower case, that hold decimals which a double cannot hold, at any depth. */
export function exactColumns(schema: StructType | undefined): ReadonlySet<string> {
  return new Set((schema?.fields ?? []).filter(({ type }) => hasLongDecimal(type)).map(({ name }) => name.toLowerCase()))
}

/** What is rewritten in objects; names in lower case. */
export interface Rewrite {
  /** The columns whose numbers are put in quotes. */
  readonly quoted: ReadonlySet<string>
  /** The columns whose keys are brought to lower case. */
  readonly names: readonly string[]
}

/** Writes the objects of a relation of JSON texts, rewritten, to a scratch file, one a line. */
export function spoolExact(
  connection: Connection,
  objects: string,
  rewrite: Rewrite,
  options: { readonly signal?: AbortSignal | undefined; readonly files: readonly string[] },
): Promise<Staging & { readonly path: string }> {
  const names = new Set(rewrite.names)
  const lines = async function* () {
    let text = ''
    for await (const batch of await connection.stream(`SELECT json::VARCHAR AS json FROM ${objects}`, undefined, options)) {
      for (const object of batch.getChildAt(0)!) {
        text += `${rewriteObject(String(object), rewrite.quoted, names)}\n`
        if (text.length < piece) continue
        yield Buffer.from(text)
        text = ''
      }
    }
    yield Buffer.from(text)
  }
  return spoolStream(lines(), '.ndjson', options)
}

const piece = 1 << 18

/**
 * An object on one line, with the numbers inside of some columns in quotes: those that are written without an exponent, which is
 * how an exact number is written. The keys of `names` are brought to lower case.
 */
export function rewriteObject(object: string, quoted: ReadonlySet<string>, names: ReadonlySet<string>): string {
  let done = ''
  let copied = 0
  let depth = 0
  let atKey = false
  let wanted = false
  const put = (until: number, text: string, from: number) => {
    done += object.slice(copied, until) + text
    copied = from
  }
  for (let at = 0; at < object.length; at += 1) {
    switch (object[at]) {
      case '"': {
        const end = endOfString(object, at)
        if (depth === 1 && atKey) {
          const key = keyOf(object.slice(at, end))
          const name = key.toLowerCase()
          wanted = quoted.has(name)
          if (key !== name && names.has(name)) put(at, JSON.stringify(name), end)
        }
        atKey = false
        at = end - 1
        break
      }
      case '{':
      case '[':
        depth += 1
        atKey = depth === 1
        break
      case '}':
      case ']':
        depth -= 1
        break
      case ',':
        if (depth === 1) atKey = true
        break
      case '\n':
      case '\r':
        put(at, ' ', at + 1)
        break
      case '-':
      case '0':
      case '1':
      case '2':
      case '3':
      case '4':
      case '5':
      case '6':
      case '7':
      case '8':
      case '9': {
        number.lastIndex = at
        const [text = '', exponent] = number.exec(object) ?? []
        if (text === '') break
        if (wanted && exponent === undefined) put(at, `"${text}"`, at + text.length)
        at += text.length - 1
      }
    }
  }
  return done + object.slice(copied)
}

const number = /-?\d+(?:\.\d+)?([eE][+-]?\d+)?/y

/** Behind the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function keyOf(text: string): string {
  if (!text.includes('\\')) return text.slice(1, -1)
  try {
    return String(JSON.parse(text))
  } catch {
    return text
  }
}

function hasLongDecimal(type: DataType): boolean {
  if (typeof type === 'string') return (decimalParts(type)?.precision ?? 0) > 15
  switch (type.type) {
    case 'array':
      return hasLongDecimal(type.elementType)
    case 'map':
      return hasLongDecimal(type.keyType) || hasLongDecimal(type.valueType)
    case 'struct':
      return type.fields.some((field) => hasLongDecimal(field.type))
  }
}
