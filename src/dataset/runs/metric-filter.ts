/**
 * Conditions on the metrics of runs: `auc > 0.9 AND loss.val < 0.3`. They are read by the house's own parser of expressions and worked out here, so
 * no text of them reaches an engine. A metric that a run lacks is NULL, and a run is found where the condition is true. NaN is
 * neither more nor less than anything. A name with other characters is quoted: `"val/auc" > 0.9`.
 */
import { UsageError } from '../../errors/index.ts'
import { parse } from '../../schema/expression/parse.ts'
import { Refusal } from '../../schema/expression/refusal.ts'
import type { Syntax } from '../../schema/expression/syntax.ts'

type Metrics = Readonly<Record<string, number>>
type Truth = boolean | null

/** What a part of a condition gives; `null` is NULL. */
type Part =
  | { readonly gives: 'number'; readonly of: (metrics: Metrics) => number | null }
  | { readonly gives: 'truth'; readonly of: (metrics: Metrics) => Truth }

/** Reads a condition. @returns Whether it is true of some metrics. @throws UsageError INVALID_ARGUMENT where it is none */
export function metricFilter(text: string): (metrics: Metrics) => boolean {
  try {
    const condition = truthOf(compile(parse(text, 'any')))
    return (metrics) => condition(metrics) === true
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    throw new UsageError('INVALID_ARGUMENT', `${JSON.stringify(text)} is no condition on metrics: ${error.message}.`, {
      remedy: 'Compare metrics with numbers, as in: auc > 0.9 AND loss < 0.3',
      data: { condition: text },
    })
  }
}

function compile(tree: Syntax): Part {
  switch (tree.kind) {
    case 'literal':
      return literal(tree.literal.type, tree.literal.text)
    case 'column':
      return { gives: 'number', of: (metrics) => metricOf(metrics, tree.path.join('.')) }
    case 'not':
      return { gives: 'truth', of: not(truthOf(compile(tree.operand))) }
    case 'negative':
      return calculate(compile(tree.operand), compile(tree.operand), (value) => -value)
    case 'binary':
      return binary(tree.operator, compile(tree.left), compile(tree.right))
    case 'is':
      return is(compile(tree.operand), tree.what, tree.negated)
    case 'between': {
      const operand = compile(tree.operand)
      const within = and(truthOf(binary('>=', operand, compile(tree.low))), truthOf(binary('<=', operand, compile(tree.high))))
      return { gives: 'truth', of: tree.negated ? not(within) : within }
    }
    case 'in': {
      const operand = compile(tree.operand)
      const each = tree.items.map((item) => not(truthOf(binary('=', operand, compile(item)))))
      const none = each.reduce((one, other) => and(one, other))
      return { gives: 'truth', of: tree.negated ? none : not(none) }
    }
    default:
      throw new Refusal('it may hold names, numbers, comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL, and + - * / %')
  }
}

function literal(type: string, text: string): Part {
  if (type === 'void') return { gives: 'number', of: () => null }
  if (type === 'boolean') {
    const value = text.toUpperCase() === 'TRUE'
    return { gives: 'truth', of: () => value }
  }
  const value = Number(text)
  if (type === 'string' || Number.isNaN(value)) throw new Refusal(`${JSON.stringify(text)} is no number`)
  return { gives: 'number', of: () => value }
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '<>': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
}

const calculations: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
}

function binary(operator: string, left: Part, right: Part): Part {
  if (operator === 'AND') return { gives: 'truth', of: and(truthOf(left), truthOf(right)) }
  if (operator === 'OR') return { gives: 'truth', of: not(and(not(truthOf(left)), not(truthOf(right)))) }
  const calculation = calculations[operator]
  if (calculation !== undefined) return calculate(left, right, calculation)
  const compare = comparisons[operator]
  if (compare === undefined) throw new Refusal(`${operator} is not known here`)
  const [one, other] = [numberOf(left), numberOf(right)]
  const of = (metrics: Metrics) => {
    const [a, b] = [one(metrics), other(metrics)]
    return a === null || b === null ? null : compare(a, b)
  }
  return { gives: 'truth', of }
}

function calculate(left: Part, right: Part, work: (a: number, b: number) => number): Part {
  const [one, other] = [numberOf(left), numberOf(right)]
  const of = (metrics: Metrics) => {
    const [a, b] = [one(metrics), other(metrics)]
    return a === null || b === null ? null : work(a, b)
  }
  return { gives: 'number', of }
}

function is(operand: Part, what: 'NULL' | 'TRUE' | 'FALSE', negated: boolean): Part {
  if (what === 'NULL') return { gives: 'truth', of: (metrics) => (operand.of(metrics) === null) !== negated }
  const truth = truthOf(operand)
  return { gives: 'truth', of: (metrics) => (truth(metrics) === (what === 'TRUE')) !== negated }
}

function not(operand: (metrics: Metrics) => Truth): (metrics: Metrics) => Truth {
  return (metrics) => {
    const value = operand(metrics)
    return value === null ? null : !value
  }
}

function and(left: (metrics: Metrics) => Truth, right: (metrics: Metrics) => Truth): (metrics: Metrics) => Truth {
  return (metrics) => {
    const [one, other] = [left(metrics), right(metrics)]
    if (one === false || other === false) return false
    return one === null || other === null ? null : true
  }
}

function truthOf(part: Part): (metrics: Metrics) => Truth {
  if (part.gives === 'truth') return part.of
  throw new Refusal('a number stands where a comparison is needed')
}

function numberOf(part: Part): (metrics: Metrics) => number | null {
  if (part.gives === 'number') return part.of
  throw new Refusal('a comparison stands where a number is needed')
}

/** A metric by its name, else by its name without regard to case; NULL where there is none. */
function metricOf(metrics: Metrics, name: string): number | null {
  if (Object.hasOwn(metrics, name)) return metrics[name]!
  const key = Object.keys(metrics).find((each) => each.toLowerCase() === name.toLowerCase())
  return key === undefined ? null : metrics[key]!
}
