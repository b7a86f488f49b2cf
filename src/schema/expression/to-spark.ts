/** A tree as a text that every version of Spark reads as this tree: bracketed throughout, names in backticks where they need them. */
import { decimalParts } from '../sql-type.ts'
import type { PrimitiveType } from '../types.ts'
import { sparkLiteral, sparkString } from './literals.ts'
import type { Syntax } from './syntax.ts'

/** Writes a tree in Spark's spelling. */
export function toSpark(tree: Syntax): string {
  switch (tree.kind) {
    case 'literal':
      return sparkLiteral(tree.literal)
    case 'column':
      return tree.path.map(name).join('.')
    case 'not':
      return `NOT ${inner(tree.operand)}`
    case 'negative':
      return `- ${inner(tree.operand)}`
    case 'binary':
      return `${inner(tree.left, tree.operator)} ${tree.operator} ${inner(tree.right)}`
    case 'is':
      return `${inner(tree.operand)} IS ${not(tree)}${tree.what}`
    case 'in':
      return `${inner(tree.operand)} ${not(tree)}IN (${tree.items.map(toSpark).join(', ')})`
    case 'between':
      return `${inner(tree.operand)} ${not(tree)}BETWEEN ${inner(tree.low)} AND ${inner(tree.high)}`
    case 'like': {
      const escaping = tree.escape === '\\' ? '' : ` ESCAPE ${sparkString(tree.escape)}`
      return `${inner(tree.operand)} ${not(tree)}LIKE ${inner(tree.pattern)}${escaping}`
    }
    case 'case': {
      const branches = tree.branches.map(([when, then]) => ` WHEN ${toSpark(when)} THEN ${toSpark(then)}`).join('')
      return `CASE${tree.operand ? ` ${inner(tree.operand)}` : ''}${branches}${tree.otherwise ? ` ELSE ${toSpark(tree.otherwise)}` : ''} END`
    }
    case 'cast':
      return `CAST(${toSpark(tree.operand)} AS ${typeName(tree.type)})`
    case 'call':
      return `${tree.name}(${tree.args.map(toSpark).join(', ')})`
  }
}

/** An operand: in brackets where it is more than a word, but for a chain of the one connective. */
function inner(tree: Syntax, chain?: string): string {
  const text = toSpark(tree)
  if (tree.kind === 'binary' && (tree.operator === 'AND' || tree.operator === 'OR') && tree.operator === chain) return text
  return ['literal', 'column', 'cast', 'call'].includes(tree.kind) ? text : `(${text})`
}

function not({ negated }: { readonly negated: boolean }): string {
  return negated ? 'NOT ' : ''
}

/** Key words of Spark are too many and too new to list: only what cannot be one goes bare. */
function name(given: string): string {
  return /^[a-z_][a-z0-9_]*$/i.test(given) && !keywords.has(given.toLowerCase()) ? given : `\`${given.replaceAll('`', '``')}\``
}

const keywords = new Set(
  'all and anti any array as at between both by case cast check collate column constraint create cross current current_date current_time current_timestamp current_user date day days distinct div drop else end escape except exists extract false fetch filter for foreign from full function grant group having hour if in inner insert intersect interval into is join last lateral leading left like limit map minus minute month natural not null of offset on only or order outer overlaps position primary range references right rlike second select semi session_user some struct table then time timestamp to trailing trim true truncate union unique unknown update user using values week when where window with within year'.split(
    ' ',
  ),
)

const typeNames: Readonly<Record<string, string>> = {
  byte: 'TINYINT',
  short: 'SMALLINT',
  integer: 'INT',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  boolean: 'BOOLEAN',
  string: 'STRING',
  binary: 'BINARY',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  timestamp_ntz: 'TIMESTAMP_NTZ',
}

function typeName(type: PrimitiveType): string {
  const decimal = decimalParts(type)
  return decimal ? `DECIMAL(${decimal.precision},${decimal.scale})` : typeNames[type]!
}
