/** Values for parameters of SQL, as `--param name=value` gives them. */
import { pairs } from './values.ts'

type Parameter = null | boolean | number | bigint | string | readonly Parameter[]

/** The values of all `--param`: what JSON makes of each, with whole numbers kept exactly; what is no JSON is text. @throws CommandLineError */
export function parameters(given: readonly string[] | undefined): Record<string, Parameter> {
  return Object.fromEntries(Object.entries(pairs('--param', given)).map(([name, text]) => [name, parameter(text)]))
}

function parameter(text: string): Parameter {
  if (/^-?(0|[1-9]\d*)$/.test(text)) return BigInt.asIntN(64, BigInt(text)) === BigInt(text) ? BigInt(text) : text
  try {
    const value: unknown = JSON.parse(text, (_, part) => (Number.isSafeInteger(part) && !Object.is(part, -0) ? BigInt(part) : part))
    return isParameter(value) ? value : text
  } catch {
    return text
  }
}

function isParameter(value: unknown): value is Parameter {
  return (
    value === null || ['boolean', 'number', 'bigint', 'string'].includes(typeof value) || (Array.isArray(value) && value.every(isParameter))
  )
}
