/** The parser of YAML, in a file of its own: only who reads a pin that was edited by hand waits for it to be loaded. */
import { parseDocument } from 'yaml'

/**
 * What a text of YAML says; or what is wrong with it, as the end of a sentence. Every value is text: a number that YAML would round, or a fingerprint that
 * looks like one, keeps its digits. An alias stands for a value elsewhere in the text: no pin has one, and many of them make a small text large.
 */
export function fieldsOfYaml(text: string): { readonly value: unknown } | { readonly problem: string; readonly cause: unknown } {
  const document = parseDocument(text, { schema: 'failsafe', uniqueKeys: true, prettyErrors: false })
  const [cause] = document.errors
  if (cause) return { problem: 'it is no YAML', cause }
  try {
    return { value: document.toJS({ maxAliasCount: 0 }) }
  } catch (error) {
    return { problem: 'it uses aliases', cause: error }
  }
}
