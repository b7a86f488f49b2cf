/** What a text of an expression parses to, before anything is known of columns and types. */
import type { PrimitiveType } from '../types.ts'

/** A constant: the text of its value, as the type spells it. `void` is NULL. */
export interface Literal {
  readonly type: PrimitiveType
  readonly text: string
}

/** Operators between two values, by Spark's names. `<=>` is the equality that takes NULL for a value. */
export type BinaryOperator = 'AND' | 'OR' | Comparison | Arithmetic | '||'
/** Operators that compare. */
export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>=' | '<=>'
/** Operators that calculate. */
export type Arithmetic = '+' | '-' | '*' | '/' | '%' | 'DIV'

/** One expression. */
export type Syntax =
  | { readonly kind: 'literal'; readonly literal: Literal }
  | { readonly kind: 'column'; readonly path: readonly string[] }
  | { readonly kind: 'not'; readonly operand: Syntax }
  | { readonly kind: 'negative'; readonly operand: Syntax }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Syntax; readonly right: Syntax }
  | { readonly kind: 'is'; readonly operand: Syntax; readonly what: 'NULL' | 'TRUE' | 'FALSE'; readonly negated: boolean }
  | { readonly kind: 'in'; readonly operand: Syntax; readonly items: readonly Syntax[]; readonly negated: boolean }
  | { readonly kind: 'between'; readonly operand: Syntax; readonly low: Syntax; readonly high: Syntax; readonly negated: boolean }
  | { readonly kind: 'like'; readonly operand: Syntax; readonly pattern: Syntax; readonly escape: string; readonly negated: boolean }
  | {
      readonly kind: 'case'
      readonly operand: Syntax | undefined
      readonly branches: readonly (readonly [when: Syntax, then: Syntax])[]
      readonly otherwise: Syntax | undefined
    }
  | { readonly kind: 'cast'; readonly operand: Syntax; readonly type: PrimitiveType }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Syntax[] }
