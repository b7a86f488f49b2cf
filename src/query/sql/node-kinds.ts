/**
 * The kinds of nodes that a query may hold and what lies in each of their fields: all that DuckDB 1.5 serialises of a SELECT. A test
 * keeps it complete; a kind or a field that is not here is refused.
 */

/** How a field of a node is walked. `data` holds no node: names, flags, types, constants. */
export type FieldKind =
  | 'data'
  | 'empty'
  | 'expression'
  | 'expressions'
  | 'rows'
  | 'query'
  | 'statement'
  | 'table'
  | 'modifiers'
  | 'orders'
  | 'cases'
  | 'pairs'
  | 'pivots'

export type Fields = Readonly<Record<string, FieldKind>>

export const fields = (kind: FieldKind, names: string): Fields => Object.fromEntries(names.split(' ').map((name) => [name, kind]))

export const anyExpression = fields('data', 'class type alias query_location')
export const anyTable = fields('data', 'type alias sample query_location')

export const expressionKinds: Readonly<Record<string, Fields>> = {
  BETWEEN: fields('expression', 'input lower upper'),
  CASE: { case_checks: 'cases', else_expr: 'expression' },
  CAST: { child: 'expression', ...fields('data', 'cast_type try_cast') },
  COLLATE: { child: 'expression', collation: 'data' },
  COLUMN_REF: { column_names: 'data' },
  COMPARISON: fields('expression', 'left right'),
  CONJUNCTION: { children: 'expressions' },
  CONSTANT: { value: 'data' },
  FUNCTION: {
    children: 'expressions',
    filter: 'expression',
    order_bys: 'modifiers',
    ...fields('data', 'function_name schema distinct is_operator export_state catalog'),
  },
  LAMBDA: fields('expression', 'lhs expr'),
  OPERATOR: { children: 'expressions' },
  PARAMETER: { identifier: 'data' },
  POSITIONAL_REFERENCE: { index: 'data' },
  STAR: {
    replace_list: 'pairs',
    expr: 'expression',
    ...fields('data', 'relation_name exclude_list columns qualified_exclude_list rename_list'),
  },
  SUBQUERY: { subquery: 'statement', child: 'expression', ...fields('data', 'subquery_type comparison_type') },
  WINDOW: {
    ...fields('expressions', 'children partitions'),
    ...fields('orders', 'orders arg_orders'),
    ...fields('expression', 'start_expr end_expr offset_expr default_expr filter_expr'),
    ...fields('data', 'function_name schema catalog start end ignore_nulls exclude_clause distinct'),
  },
}

export const tableKinds: Readonly<Record<string, Fields>> = {
  BASE_TABLE: fields('data', 'schema_name table_name column_name_alias catalog_name at_clause'),
  EMPTY: {},
  EXPRESSION_LIST: { values: 'rows', ...fields('data', 'expected_names expected_types') },
  JOIN: {
    ...fields('table', 'left right'),
    condition: 'expression',
    duplicate_eliminated_columns: 'empty',
    ...fields('data', 'join_type ref_type using_columns delim_flipped'),
  },
  PIVOT: {
    source: 'table',
    aggregates: 'expressions',
    pivots: 'pivots',
    ...fields('data', 'unpivot_names groups column_name_alias include_nulls'),
  },
  SHOW_REF: { query: 'query', ...fields('data', 'table_name show_type catalog_name schema_name') },
  SUBQUERY: { subquery: 'statement', column_name_alias: 'data' },
  TABLE_FUNCTION: { function: 'data', ...fields('data', 'column_name_alias with_ordinality') },
}

export const queryKinds: Readonly<Record<string, Fields>> = {
  SELECT_NODE: {
    from_table: 'table',
    ...fields('expressions', 'select_list group_expressions'),
    ...fields('expression', 'where_clause having qualify'),
    ...fields('data', 'group_sets aggregate_handling sample'),
  },
  SET_OPERATION_NODE: { ...fields('query', 'left right'), ...fields('data', 'setop_type setop_all') },
  RECURSIVE_CTE_NODE: { ...fields('query', 'left right'), key_targets: 'expressions', ...fields('data', 'cte_name union_all aliases') },
}

export const modifierKinds: Readonly<Record<string, Fields>> = {
  DISTINCT_MODIFIER: { distinct_on_targets: 'expressions' },
  LIMIT_MODIFIER: fields('expression', 'limit offset'),
  LIMIT_PERCENT_MODIFIER: fields('expression', 'limit offset'),
  ORDER_MODIFIER: { orders: 'orders' },
}
