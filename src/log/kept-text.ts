/**
 * Commands and queries as they may stand in a log, which many read and which is never changed: what looks like a secret is replaced, and what
 * is long is cut. It errs on the side of leaving out.
 */

const hidden = '***'
const longestArgument = 500
const mostArguments = 100
const longestText = 2000

/** Names of options, variables and parameters whose values are nobody's business. */
const secretName =
  /pass(?:word|wd|phrase|code)?(?![a-z])|passw|pwd|secret|token|api[-_]?key|access[-_]?key|account[-_]?key|private|credential|auth(?![a-z])|authorization|signature|cookie|session[-_]?id|(?:^|[-_])sig$|(?:^|[-_])key$/i

/** Forms that secrets of well-known services have, wherever they stand. */
const secretForms =
  /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}|xox[abeprs]-[\w-]{10,}|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[\w-]{30,}|sk-[\w-]{16,}|npm_[A-Za-z0-9]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)/g

/** A command as it may be kept. The first argument is the program or script, of which the name alone is told. */
export function keptCommand(command: readonly string[]): string[] {
  const kept: string[] = []
  let hides = false
  for (const argument of command.slice(0, mostArguments)) {
    kept.push(hides && !/^--?[a-z]/i.test(argument) ? hidden : cut(withoutSecrets(argument), longestArgument))
    hides = /^--?[a-z][\w-]*$/i.test(argument) && secretName.test(argument.replace(/^-+/, ''))
  }
  if (command.length > mostArguments) kept.push('…')
  return kept
}

/** A text of the user's, such as a query, as it may be kept. */
export function keptText(text: string): string {
  return cut(withoutSecrets(text), longestText)
}

function withoutSecrets(text: string): string {
  return text
    .replace(/-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g, hidden)
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@'"]*@/gi, `$1${hidden}@`)
    .replace(/\b(authorization\s*[:=]\s*)(?:(bearer|basic|token)\s+)?[^\s'"]+/gi, `$1${hidden}`)
    .replace(/\b(bearer\s+)[\w.~+/=-]{8,}/gi, `$1${hidden}`)
    .replace(/(^|[\s?&;,'"-])([\w.-]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s&;,'"]+)/g, (all, before, name, equals) =>
      secretName.test(name) ? `${before}${name}${equals}${hidden}` : all,
    )
    .replace(secretForms, hidden)
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}…`
}
