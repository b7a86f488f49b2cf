/** How the values of options are read. Wrong ones are usage errors, before anything is opened. */
import { CommandLineError } from '../failure.ts'

/** A usage error about an argument. */
export function wrong(message: string, remedy: string): CommandLineError {
  return new CommandLineError('INVALID_ARGUMENT', message, remedy)
}

/** A collector for an option that may be repeated. */
export function repeated(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** A collector for names, separated by commas or given by repeating the option. */
export function names(value: string, before: readonly string[] = []): readonly string[] {
  const given = value.split(',').map((name) => name.trim())
  if (given.includes(''))
    throw wrong(`'${value}' names no column.`, 'Write column names separated by commas, as in --partition-by country,day.')
  return [...before, ...given]
}

/** `key=value` pairs, split at the first `=`. */
export function pairs(option: string, values: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    values.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw wrong(`'${pair}' is no ${option}.`, `Write it as ${option} name=value.`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

/** A reader for a whole number that is zero or more. */
export function count(option: string): (value: string) => number {
  return (value) => {
    const number = Number(value)
    if (!/^\d+$/.test(value) || !Number.isSafeInteger(number))
      throw wrong(`'${value}' is no ${option}.`, `${option} takes a whole number, zero or more.`)
    return number
  }
}

/** A reader for one of a few words. */
export function oneOf<Word extends string>(option: string, words: readonly Word[]): (value: string) => Word {
  return (value) => {
    const word = words.find((known) => known === value.toLowerCase())
    if (word === undefined) throw wrong(`'${value}' is no ${option}.`, `${option} is one of ${words.join(', ')}.`)
    return word
  }
}
