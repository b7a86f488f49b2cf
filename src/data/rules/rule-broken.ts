/** The errors of rows that break a rule of their table. */
import { ValueError } from '../../errors/index.ts'

/** What a broken rule says of itself inside the engine. */
export type RuleNote =
  | {
      readonly code: 'CONSTRAINT_VIOLATED' | 'INVARIANT_VIOLATED' | 'GENERATED_VALUE_MISMATCH'
      readonly name: string
      readonly expression: string
    }
  | { readonly code: 'EXPRESSION_FAILED'; readonly name: string; readonly expression: string; readonly reason: string }
  | { readonly code: 'IDENTITY_OVERFLOW'; readonly column: string }

/** The error of a broken rule. `row` is the text of the row's values in the columns of the rule. */
export function ruleBroken(note: RuleNote, row: string, cause?: unknown): ValueError {
  if (note.code === 'IDENTITY_OVERFLOW') {
    return new ValueError(note.code, `The identity column ${JSON.stringify(note.column)} has no values left.`, {
      remedy: 'Make a new column with another start or step.',
      data: { column: note.column },
      cause,
    })
  }
  const { code, name, expression } = note
  const quoted = JSON.stringify(name)
  switch (code) {
    case 'CONSTRAINT_VIOLATED':
      return new ValueError(code, `A row breaks the CHECK constraint ${quoted} (${expression}): ${row}`, {
        remedy: 'Correct the row, or drop the constraint. A condition that gives NULL is broken too.',
        data: { constraint: name, expression, row },
        cause,
      })
    case 'INVARIANT_VIOLATED':
      return new ValueError(code, `A row breaks the invariant of the column ${quoted} (${expression}): ${row}`, {
        remedy: 'Correct the row. A condition that gives NULL is broken too.',
        data: { column: name, expression, row },
        cause,
      })
    case 'GENERATED_VALUE_MISMATCH':
      return new ValueError(code, `A row has another value in the generated column ${quoted} than its expression (${expression}): ${row}`, {
        remedy: 'Leave the column out of the input, and it is made.',
        data: { column: name, expression, row },
        cause,
      })
    case 'EXPRESSION_FAILED':
      return new ValueError(code, `For a row there is no result of ${name} (${expression}) that every engine gives: ${note.reason}.`, {
        remedy: 'Correct the row, or change the expression.',
        data: { rule: name, expression, reason: note.reason },
        cause,
      })
  }
}
