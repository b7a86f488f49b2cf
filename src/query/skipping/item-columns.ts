/** Columns of what stands in a FROM clause, and fields in them: found by place, names inside without regard to case. */
import type { ColumnPath, Operand } from '../../data/prune/predicate.ts'
import type { StructType } from '../../schema/types.ts'
import { asciiLower, type Node } from '../sql/ast.ts'

/** A column of an item in FROM, or a field in it. */
export interface ItemColumn {
  readonly node: Node
  readonly index: number
  readonly fields: readonly string[]
}

/** Whether two columns are one. */
export function sameColumn(one: ItemColumn, other: ItemColumn): boolean {
  return (
    one.node === other.node &&
    one.index === other.index &&
    one.fields.length === other.fields.length &&
    one.fields.every((name, at) => asciiLower(name) === asciiLower(other.fields[at]!))
  )
}

/** The column of a table as its schema spells it; `undefined` where it has none such. */
export function pathIn(schema: StructType, { index, fields }: ItemColumn): Operand<ColumnPath, never> | undefined {
  const field = schema.fields[index]
  if (field === undefined) return undefined
  const path = [field.name]
  let type = field.type
  for (const name of fields) {
    const inner = typeof type === 'object' && type.type === 'struct' ? fieldOf(type, name) : undefined
    if (inner === undefined) return undefined
    path.push(inner.name)
    type = inner.type
  }
  return { kind: 'column', column: { path } }
}

/** A field of a struct by its name. */
export function fieldOf(struct: StructType, name: string) {
  return struct.fields.find((field) => asciiLower(field.name) === asciiLower(name))
}
