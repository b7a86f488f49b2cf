/** `--set 'column = expression'`. */
import { wrong } from './values.ts'

/** Columns with their expressions; a name may be quoted, and name a field inside a struct (`address.zip`). */
export function assignments(given: readonly string[]): Record<string, string> {
  const set: [string, string][] = given.map((text) => {
    const [, quoted, plain, expression = ''] = /^\s*(?:"((?:[^"]|"")+)"|([^="\s]+))\s*=(?!=)\s*([\s\S]*\S)\s*$/.exec(text) ?? []
    const name = quoted?.replaceAll('""', '"') ?? plain
    if (name === undefined)
      throw wrong(`'${text}' assigns nothing.`, "Write it as --set 'column = expression', as in --set 'price = price * 1.1'.")
    return [name, expression]
  })
  const twice = set.find(([name], index) => set.findIndex(([other]) => other === name) !== index)
  if (twice !== undefined) throw wrong(`${twice[0]} is assigned twice.`, 'Give one --set for each column.')
  return Object.fromEntries(set)
}
