/**
 * Checks of values that run inside DuckDB, in the same pass as the writing: an expression of ours stops the statement with a note
 * of ours, and {@link readCheck} turns the failure back into the error that it is.
 */
import { ValueError, type VarveError } from '../../errors/index.ts'
import { quoteLiteral } from '../../schema/quoting.ts'
import { type RuleNote, ruleBroken } from '../rules/rule-broken.ts'

/** What a failed check says of itself. */
type CheckNote =
  | {
      readonly code: 'NOT_NULL_VIOLATED' | 'VALUE_OUT_OF_RANGE' | 'INVALID_VALUE'
      readonly column: string
      readonly from?: string
      readonly to?: string
    }
  | RuleNote

const mark = 'varve-check:'

/** SQL that fails with a note. `shown` is SQL of a text that the error quotes. */
export function stop(note: CheckNote, shown?: string): string {
  const text = quoteLiteral(mark + JSON.stringify(note))
  return shown === undefined ? `error(${text})` : `error(${text} || chr(10) || coalesce(${shown}, 'NULL'))`
}

/** SQL that is `value` where it is not NULL, and fails otherwise. */
export function notNull(value: string, column: string): string {
  return `CASE WHEN ${value} IS NULL THEN ${stop({ code: 'NOT_NULL_VIOLATED', column })} ELSE ${value} END`
}

/** SQL that is `converted` unless `bad` holds. `shown` is the value that the error quotes. */
export function checked(
  bad: string,
  shown: string,
  converted: string,
  column: string,
  from: string,
  to: string,
  code: 'NOT_NULL_VIOLATED' | 'VALUE_OUT_OF_RANGE' | 'INVALID_VALUE' = 'VALUE_OUT_OF_RANGE',
): string {
  return `CASE WHEN ${bad} THEN ${stop({ code, column, from, to }, `CAST(${shown} AS VARCHAR)`)} ELSE ${converted} END`
}

/** The error of a NULL in a column that takes none. */
export function notNullViolated(column: string, cause?: unknown): ValueError {
  return new ValueError('NOT_NULL_VIOLATED', `The column ${JSON.stringify(column)} is NOT NULL, and a row has NULL in it.`, {
    remedy: 'Fill the value in, or make the column nullable.',
    data: { column },
    cause,
  })
}

/** The failure of a statement as the error of the check that stopped it, where one did; else the failure itself. */
export function readCheck(failure: unknown): unknown {
  for (let cause: unknown = failure; cause instanceof Error; cause = cause.cause) {
    // The original message of the engine is innermost; those around it may be cut.
    if (cause.cause instanceof Error) continue
    const start = cause.message.indexOf(mark)
    if (start < 0) return failure
    const [json = '', ...value] = cause.message.slice(start + mark.length).split('\n')
    return toError(JSON.parse(json) as CheckNote, value.join('\n'), failure)
  }
  return failure
}

function toError(found: CheckNote, value: string, cause: unknown): VarveError {
  switch (found.code) {
    case 'NOT_NULL_VIOLATED':
      return notNullViolated(found.column, cause)
    case 'VALUE_OUT_OF_RANGE':
    case 'INVALID_VALUE': {
      const { column, from = '', to = '' } = found
      return new ValueError(found.code, `The value ${value} (${from}) does not fit the column ${JSON.stringify(column)}, which is ${to}.`, {
        remedy: 'Change the value, or widen the column.',
        data: { column, value, from, to },
        cause,
      })
    }
    default:
      return ruleBroken(found, value, cause)
  }
}
