/** The clauses of `varve merge`: options whose order counts, each followed by its own --if and --set. */
import type { Command } from 'commander'
import type { MatchedClause, MergeClauses, NotMatchedBySourceClause, NotMatchedClause } from '../../index.ts'
import { assignments } from './assignments.ts'
import { wrong } from './values.ts'

interface Clause {
  readonly flag: string
  readonly sets: string[]
  condition: string | undefined
}

const flags = {
  'when-matched-update': 'change the row of the table; without --set by all columns of the source',
  'when-matched-delete': 'delete the row of the table',
  'when-not-matched-insert': 'insert the row of the source; without --set with all its columns',
  'when-not-matched-by-source-update': 'change a row of the table that no row of the source belongs to',
  'when-not-matched-by-source-delete': 'delete such a row',
} as const

/** Declares the options. What they gave is read by {@link mergeClauses}. */
export function clauseOptions(command: Command): Command {
  const clauses: Clause[] = []
  for (const [flag, what] of Object.entries(flags)) {
    command.option(`--${flag}`, what)
    command.on(`option:${flag}`, () => clauses.push({ flag, sets: [], condition: undefined }))
  }
  const last = (option: string): Clause => {
    const clause = clauses.at(-1)
    if (clause === undefined)
      throw wrong(
        `--${option} belongs to a clause, and stands before the first.`,
        `Write it behind --when-matched-update or another clause.`,
      )
    return clause
  }
  command
    .option('--if <predicate>', 'of the clause before it: only rows for which this is true')
    .option('--set <assignment>', "of the clause before it: 'column = expression'; repeat for more")
  command.on('option:if', (text: string) => {
    const clause = last('if')
    if (clause.condition !== undefined) throw wrong(`--${clause.flag} has two --if.`, 'Join the conditions with AND.')
    clause.condition = text
  })
  command.on('option:set', (text: string) => last('set').sets.push(text))
  command.setOptionValue('clauses', clauses)
  return command
}

/** The clauses as the library takes them. */
export function mergeClauses(options: Readonly<Record<string, unknown>>): Omit<MergeClauses, 'on'> {
  const clauses = options.clauses as readonly Clause[]
  if (clauses.length === 0)
    throw wrong('What is to happen is not said.', 'Add a clause, such as --when-matched-update or --when-not-matched-insert.')
  const whenMatched: MatchedClause[] = []
  const whenNotMatched: NotMatchedClause[] = []
  const whenNotMatchedBySource: NotMatchedBySourceClause[] = []
  for (const { flag, sets, condition } of clauses) {
    const set = sets.length === 0 ? undefined : assignments(sets)
    const when = condition === undefined ? {} : { if: condition }
    if (flag.endsWith('delete') && set !== undefined) throw wrong(`--${flag} assigns nothing.`, 'Leave its --set out.')
    if (flag === 'when-matched-update') whenMatched.push({ ...when, update: set ?? 'all' })
    else if (flag === 'when-matched-delete') whenMatched.push({ ...when, delete: true })
    else if (flag === 'when-not-matched-insert') whenNotMatched.push({ ...when, insert: set ?? 'all' })
    else if (flag === 'when-not-matched-by-source-delete') whenNotMatchedBySource.push({ ...when, delete: true })
    else if (set === undefined) throw wrong(`--${flag} has no row of the source to take values from.`, "Add --set 'COLUMN = EXPRESSION'.")
    else whenNotMatchedBySource.push({ ...when, update: set })
  }
  return { whenMatched, whenNotMatched, whenNotMatchedBySource }
}
