/** Values for parameters of SQL, as `--param name=value` gives them. */

type Parameter = null | boolean | number | bigint | string | readonly Parameter[]

/** A parameter's value is what JSON makes of it, with whole numbers kept exactly; what is no JSON is text. */
export function parameters(texts: Readonly<Record<string, string>>): Record<string, Parameter> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, parameter(text)]))
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
