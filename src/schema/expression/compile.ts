/**
 * A tree to DuckDB's SQL, typed by Spark's rules. Every operand is cast to the type that Spark would use, since DuckDB picks others by
 * itself. What Spark's two sets of rules answer differently (division by zero, overflow) stops the statement, and only for rows
 * for which Spark would look: where a condition decides before it, as in `b <> 0 AND a / b > 1`, the rest is not evaluated.
 */
import { quoteIdentifier, quoteLiteral } from '../quoting.ts'
import { decimalParts, decimalType, toSqlType } from '../sql-type.ts'
import type { DataType, PrimitiveType, StructField, StructType } from '../types.ts'
import { type CallContext, listedFunction } from './functions.ts'
import { Refusal } from './refusal.ts'
import type { Arithmetic, Comparison, Syntax } from './syntax.ts'
import {
  asDecimal,
  cast,
  commonType,
  constant,
  describe,
  failing,
  isFloating,
  isInteger,
  isNumber,
  type Value,
  value,
  widened,
} from './value.ts'

/** What an expression is compiled against. */
export interface CompileContext extends CallContext {
  /** The columns that may be named. */
  readonly schema: StructType
  /** The SQL of a column, or of a field inside a struct: its fields from the outermost on. Default: by their names. */
  readonly column?: ((path: readonly StructField[]) => string) | undefined
  /** Told of every column that is named. */
  readonly used: (path: readonly StructField[]) => void
  /** Whether functions that DuckDB has under the same name for something else are refused. */
  readonly strict: boolean
}

/** Compiles a tree. @throws Refusal where it is not on the list */
export function compile(tree: Syntax, context: CompileContext): Value {
  switch (tree.kind) {
    case 'literal':
      return constant(tree.literal)
    case 'column':
      return column(tree.path, context)
    case 'not': {
      const operand = condition(compile(tree.operand, context))
      return value('boolean', `(NOT ${operand.sql})`, operand)
    }
    case 'negative':
      return negative(compile(tree.operand, context))
    case 'binary':
      if (tree.operator === 'AND' || tree.operator === 'OR') return connect(tree.operator, tree, context)
      return binary(tree.operator, compile(tree.left, context), compile(tree.right, context), context)
    case 'is':
      return is(compile(tree.operand, context), tree.what, tree.negated)
    case 'in':
      return isIn(compile(tree.operand, context), tree.items, tree.negated, context)
    case 'between': {
      const operand = compile(tree.operand, context)
      const [low, high] = [compile(tree.low, context), compile(tree.high, context)]
      const both = join('AND', [compare('>=', operand, low), compare('<=', operand, high)])
      return tree.negated ? value('boolean', `(NOT ${both.sql})`, both) : both
    }
    case 'like':
      return like(tree, context)
    case 'case':
      return choice(tree, context)
    case 'cast':
      return cast(compile(tree.operand, context), tree.type, context.fail)
    case 'call':
      return call(tree.name, tree.args, context)
  }
}

/** The SQL of a column by its name, and of fields inside it by theirs. */
export function columnByName(path: readonly StructField[], name: (field: StructField) => string = (field) => field.name): string {
  const [first, ...inner] = path.map(name)
  return inner.reduce((outer, each) => `struct_extract(${outer}, ${quoteLiteral(each)})`, quoteIdentifier(first!))
}

function column(names: readonly string[], context: CompileContext): Value {
  const path: StructField[] = []
  let type: DataType = context.schema
  for (const name of names) {
    const fields: readonly StructField[] = typeof type === 'object' && type.type === 'struct' ? type.fields : []
    const found = fields.find((field) => field.name.toLowerCase() === name.toLowerCase())
    if (found === undefined) throw new Refusal(`there is no column ${JSON.stringify(names.join('.'))} that it may use`)
    path.push(found)
    type = found.type
  }
  if (type === 'void') throw new Refusal(`the column ${JSON.stringify(names.join('.'))} has no values`)
  context.used(path)
  return value(type, (context.column ?? columnByName)(path))
}

function call(name: string, args: readonly Syntax[], context: CompileContext): Value {
  const known = listedFunction(name)
  if (known === undefined) throw new Refusal(`the function ${name} is not known to mean the same everywhere`)
  if (known.ambiguous && context.strict) throw new Refusal(`the function ${name} means one thing to DuckDB and another to Spark`)
  if (args.length < known.least || args.length > (known.most ?? args.length)) throw new Refusal(`${name} has another number of arguments`)
  return known.build(
    args.map((arg) => compile(arg, context)),
    context,
  )
}

function condition(one: Value): Value {
  if (one.type !== 'boolean' && one.type !== 'void') throw new Refusal(`a ${describe(one.type)} is taken for a condition`)
  return one.type === 'void' ? widened(one, 'boolean') : one
}

/** A chain of one connective as a list, so that what is evaluated first stays first whatever the brackets. */
function connect(operator: 'AND' | 'OR', tree: Syntax & { kind: 'binary' }, context: CompileContext): Value {
  const operands: Value[] = []
  const collect = (each: Syntax): void => {
    if (each.kind === 'binary' && each.operator === operator) {
      collect(each.left)
      collect(each.right)
    } else operands.push(condition(compile(each, context)))
  }
  collect(tree)
  return join(operator, operands)
}

function join(operator: 'AND' | 'OR', operands: readonly Value[]): Value {
  const [first, ...others] = operands as [Value, ...Value[]]
  if (others.length === 0) return first
  if (!others.some((one) => one.fails)) return value('boolean', `(${operands.map((one) => one.sql).join(` ${operator} `)})`, ...operands)
  const rest = join(operator, others)
  const decides = operator === 'AND' ? `WHEN NOT ${first.sql} THEN false` : `WHEN ${first.sql} THEN true`
  return value('boolean', `CASE ${decides} ELSE (${first.sql} ${operator} ${rest.sql}) END`, first, rest)
}

function is(operand: Value, what: 'NULL' | 'TRUE' | 'FALSE', negated: boolean): Value {
  if (what === 'NULL') return value('boolean', `(${operand.sql} IS ${negated ? 'NOT ' : ''}NULL)`, operand)
  return value('boolean', `(${condition(operand).sql} IS ${negated ? '' : 'NOT '}DISTINCT FROM ${what})`, operand)
}

function isIn(operand: Value, items: readonly Syntax[], negated: boolean, context: CompileContext): Value {
  if (items.length === 0) throw new Refusal('IN has an empty list')
  const list = items.map((item) => compile(item, context))
  const all = [operand, ...list]
  // Without ANSI rules Spark compares times as texts there.
  if (all.some((one) => one.type === 'string') && all.some((one) => one.type === 'timestamp' || one.type === 'timestamp_ntz'))
    throw new Refusal('a timestamp is looked for among texts; write TIMESTAMP before them')
  const type = commonType(all, 'comparison')
  const sql = `(${widened(operand, type).sql} ${negated ? 'NOT ' : ''}IN (${list.map((one) => widened(one, type).sql).join(', ')}))`
  return value('boolean', sql, ...all)
}

function like(tree: Syntax & { kind: 'like' }, context: CompileContext): Value {
  const operand = compile(tree.operand, context)
  const pattern = compile(tree.pattern, context)
  if (operand.type !== 'string' || pattern.literal?.type !== 'string') throw new Refusal('LIKE wants a text and a constant pattern')
  const escaping = tree.escape
  if ([...escaping].length !== 1 || escaping === '%' || escaping === '_') throw new Refusal('the escape of a LIKE is no single character')
  const letters = [...pattern.literal.text]
  for (let at = 0; at < letters.length; at += 1) {
    if (letters[at] !== escaping) continue
    at += 1
    if (letters[at] !== escaping && letters[at] !== '%' && letters[at] !== '_') throw new Refusal('a LIKE escapes what needs none')
  }
  const sql = `(${operand.sql} ${tree.negated ? 'NOT ' : ''}LIKE ${pattern.sql} ESCAPE ${quoteLiteral(escaping)})`
  return value('boolean', sql, operand)
}

function choice(tree: Syntax & { kind: 'case' }, context: CompileContext): Value {
  const operand = tree.operand && compile(tree.operand, context)
  const whens = tree.branches.map(([when]) => {
    const given = compile(when, context)
    if (operand === undefined && given.type === 'void') throw new Refusal('a CASE has NULL for a condition, which Spark does not take')
    return operand ? compare('=', operand, given) : condition(given)
  })
  const results = tree.branches.map(([, then]) => compile(then, context))
  const otherwise = tree.otherwise && compile(tree.otherwise, context)
  const type = commonType(otherwise ? [...results, otherwise] : results, 'result')
  const branches = whens.map((when, at) => `WHEN ${when.sql} THEN ${widened(results[at]!, type).sql}`)
  const last = otherwise ? ` ELSE ${widened(otherwise, type).sql}` : ''
  return value(type, `CASE ${branches.join(' ')}${last} END`, ...whens, ...results, ...(otherwise ? [otherwise] : []))
}

function binary(operator: Comparison | Arithmetic | '||', left: Value, right: Value, context: CompileContext): Value {
  switch (operator) {
    case '||':
      return listedFunction('concat')!.build([left, right], context)
    case '+':
    case '-':
    case '*':
      return calculate(operator, left, right, context)
    case '/':
    case '%':
    case 'DIV':
      return divide(operator, left, right, context)
    default:
      return compare(operator, left, right)
  }
}

function compare(operator: Comparison, left: Value, right: Value): Value {
  const type = commonType([left, right], 'comparison')
  const sql = operator === '<=>' ? 'IS NOT DISTINCT FROM' : operator
  const typed = type === 'void' ? 'boolean' : type
  return value('boolean', `(${widened(left, typed).sql} ${sql} ${widened(right, typed).sql})`, left, right)
}

function negative(operand: Value): Value {
  if (!isNumber(operand.type)) throw new Refusal(`a ${describe(operand.type)} has a sign`)
  const made = value(operand.type, `CAST(-${operand.sql} AS ${toSqlType(operand.type)})`, operand)
  return isInteger(operand.type) ? failing(made) : made
}

function calculate(operator: '+' | '-' | '*', left: Value, right: Value, context: CompileContext): Value {
  if (left.type === 'date' && operator !== '*' && isInteger(right.type))
    return listedFunction(operator === '+' ? 'date_add' : 'date_sub')!.build([left, right], context)
  if (right.type === 'date' && operator === '+' && isInteger(left.type)) return listedFunction('date_add')!.build([right, left], context)
  checkNumbers(left, right)
  const common = commonType([left, right], 'result')
  if (decimalParts(common) === undefined) {
    const made = value(
      common,
      `CAST(${widened(left, common).sql} ${operator} ${widened(right, common).sql} AS ${toSqlType(common)})`,
      left,
      right,
    )
    return isInteger(common) ? failing(made) : made
  }
  // NULL is taken for a value of the other's type.
  const [a, b] = [asDecimal(left.type === 'void' ? right : left), asDecimal(right.type === 'void' ? left : right)]
  const scale = operator === '*' ? a.scale + b.scale : Math.max(a.scale, b.scale)
  const precision = operator === '*' ? a.precision + b.precision + 1 : Math.max(a.precision - a.scale, b.precision - b.scale) + scale + 1
  if (precision > 38) throw new Refusal('a decimal grows beyond 38 digits')
  const operand = (one: Value, parts: { precision: number; scale: number }) => widened(one, decimalType(parts.precision, parts.scale)).sql
  return value(
    decimalType(precision, scale),
    `CAST(${operand(left, a)} ${operator} ${operand(right, b)} AS DECIMAL(${precision},${scale}))`,
    left,
    right,
  )
}

/** Spark divides integers as doubles, DIV gives a long, and zero is an error by one set of its rules and NULL by the other. */
function divide(operator: '/' | '%' | 'DIV', left: Value, right: Value, context: CompileContext): Value {
  checkNumbers(left, right)
  const common = commonType([left, right], 'result')
  if (decimalParts(common) !== undefined) throw new Refusal('decimals are divided, which engines round in different ways')
  if (operator === 'DIV' && isFloating(common)) throw new Refusal('DIV divides what is no integer')
  const type: PrimitiveType = operator === '/' ? 'double' : operator === 'DIV' ? 'long' : common
  const [dividend, divisor] = [widened(left, type), widened(right, type)]
  const sign = operator === 'DIV' ? '//' : operator
  const quotient = `(${dividend.sql} ${sign} ${divisor.sql})`
  if (right.literal && Number(right.literal.text) !== 0) return value(type, quotient, left, right)
  const guard = `${divisor.sql} = 0 AND ${dividend.sql} IS NOT NULL`
  return failing(value(type, `CASE WHEN ${guard} THEN ${context.fail('a division by zero')} ELSE ${quotient} END`, left, right))
}

function checkNumbers(left: Value, right: Value): void {
  for (const one of [left, right])
    if (!isNumber(one.type) && one.type !== 'void') throw new Refusal(`a ${describe(one.type)} is calculated with; write a CAST`)
  if (left.type === 'void' && right.type === 'void') throw new Refusal('NULL is calculated with NULL')
}
