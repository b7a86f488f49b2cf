/**
 * The tree that DuckDB's `json_serialize_sql` gives for a SELECT, as plain objects: read here, changed by the walk, given back to
 * `json_deserialize_sql`. Only what Varve builds or looks into has a name; the kinds of nodes and their fields are listed in `walk.ts`.
 */

/** One node of the tree. */
export interface Node {
  [field: string]: unknown
}

/** Whether a value is a node. */
export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The nodes of a list field, none where it is absent. */
export function nodesOf(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** The texts of a list field. */
export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}

/** A text field, empty where it is absent. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** A name as DuckDB compares it: without regard to the case of ASCII letters. */
export function asciiLower(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** `SELECT <expressions>` as a statement, without a table. */
export function selectOf(expressions: readonly Node[]): Node {
  return {
    node: {
      type: 'SELECT_NODE',
      modifiers: [],
      cte_map: { map: [] },
      select_list: expressions,
      from_table: { type: 'EMPTY', alias: '', sample: null },
      where_clause: null,
      group_expressions: [],
      group_sets: [],
      aggregate_handling: 'STANDARD_HANDLING',
      having: null,
      sample: null,
      qualify: null,
    },
    named_param_map: [],
  }
}

/** A whole number as a constant. */
export function integerConstant(value: number): Node {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    value: { type: { id: 'BIGINT', type_info: null }, is_null: false, value },
  }
}

/** A reference to a column. */
export function columnRef(...names: string[]): Node {
  return { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: '', column_names: names }
}

/** A text as a constant. */
export function textConstant(text: string): Node {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    value: { type: { id: 'VARCHAR', type_info: null }, is_null: false, value: text },
  }
}

/** Whether an expression needs no row, no table and no session. */
export function holdsOnlyConstants(expression: Node): boolean {
  const kind = textOf(expression.class)
  if (['COLUMN_REF', 'SUBQUERY', 'STAR', 'WINDOW', 'LAMBDA', 'POSITIONAL_REFERENCE'].includes(kind)) {
    const [only, ...more] = textsOf(expression.column_names)
    return more.length === 0 && only !== undefined && /^(current_timestamp|current_date|localtimestamp)$/i.test(only)
  }
  return Object.values(expression).every((value) =>
    (Array.isArray(value) ? value : [value]).every((item) => !isNode(item) || typeof item.class !== 'string' || holdsOnlyConstants(item)),
  )
}
