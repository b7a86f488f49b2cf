/** Random expressions over the columns of `listed.ts`, in Spark's spelling. Most are on the list; some are not. */
import fc from 'fast-check'

type Kind = 'integer' | 'long' | 'double' | 'decimal' | 'text' | 'date' | 'timestamp' | 'condition'

const leaves: Readonly<Record<Kind, readonly string[]>> = {
  integer: ['i', 'j', 'CAST(s AS INT)', 'st.x', '0', '1', '-3', '2147483647', '5S', 'NULL'],
  long: ['l', '12', '-1L', '9007199254740993', '3000000000'],
  double: ['d', 'e', '0.5D', '1e300', '-0.0D', 'CAST(f AS DOUBLE)'],
  decimal: ['p', 'q', '1.25', '-0.5', '100.00', '0.001'],
  text: ['t', 'u', "''", "'abc'", "'a%b_c'", "'\\\\'", "'it\\'s'", 'NULL'],
  date: ['day', 'CAST(ts AS DATE)', "DATE'2024-02-29'", "DATE'1969-12-31'", 'NULL'],
  timestamp: ['ts', 'CAST(ntz AS TIMESTAMP)', "TIMESTAMP'2026-03-15 12:30:45.5'", 'CAST(day AS TIMESTAMP)'],
  condition: ['ok', 'TRUE', 'FALSE', 'NULL', '(i > 0)', '(st IS NULL)'],
}

/** How an expression of a kind is made of others; `$0` stands for the first. */
const forms: Readonly<Record<Kind, readonly (readonly [form: string, ...parts: Kind[]])[]>> = {
  integer: [
    ['$0 + $1', 'integer', 'integer'],
    ['$0 - $1', 'integer', 'integer'],
    ['$0 * $1', 'integer', 'integer'],
    ['$0 % $1', 'integer', 'integer'],
    ['- $0', 'integer'],
    ['abs($0)', 'integer'],
    ['year($0)', 'date'],
    ['month($0)', 'timestamp'],
    ['dayofweek($0)', 'date'],
    ['weekofyear($0)', 'date'],
    ['hour($0)', 'timestamp'],
    ['datediff($0, $1)', 'date', 'date'],
    ['length($0)', 'text'],
    ['CAST($0 AS INT)', 'double'],
    ['CAST($0 AS INT)', 'decimal'],
    ['CAST($0 AS INT)', 'text'],
    ['CAST($0 AS INT)', 'condition'],
    ['if($2, $0, $1)', 'integer', 'integer', 'condition'],
    ['coalesce($0, $1)', 'integer', 'integer'],
    ['nullif($0, $1)', 'integer', 'integer'],
    ['greatest($0, $1)', 'integer', 'integer'],
    ['CASE $0 WHEN $1 THEN $2 ELSE $3 END', 'integer', 'integer', 'integer', 'integer'],
  ],
  long: [
    ['$0 + $1', 'long', 'integer'],
    ['$0 * $1', 'long', 'long'],
    ['$0 DIV $1', 'integer', 'integer'],
    ['$0 DIV $1', 'long', 'long'],
    ['floor($0)', 'double'],
    ['CAST($0 AS BIGINT)', 'integer'],
    ['least($0, $1)', 'long', 'integer'],
    ['CAST($0 AS BIGINT)', 'decimal'],
  ],
  double: [
    ['$0 / $1', 'integer', 'integer'],
    ['$0 / $1', 'double', 'long'],
    ['$0 + $1', 'double', 'integer'],
    ['$0 * $1', 'double', 'double'],
    ['$0 - $1', 'double', 'decimal'],
    ['$0 % $1', 'double', 'double'],
    ['round($0)', 'double'],
    ['abs($0)', 'double'],
    ['greatest($0, $1)', 'double', 'double'],
    ['CAST($0 AS DOUBLE)', 'long'],
    ['CAST($0 AS DOUBLE)', 'decimal'],
    ['CASE WHEN $0 THEN $1 ELSE $2 END', 'condition', 'double', 'long'],
  ],
  decimal: [
    ['$0 + $1', 'decimal', 'decimal'],
    ['$0 - $1', 'decimal', 'integer'],
    ['$0 * $1', 'decimal', 'decimal'],
    ['$0 * 3', 'decimal'],
    ['round($0, 1)', 'decimal'],
    ['ceil($0)', 'decimal'],
    ['CAST($0 AS DECIMAL(8,1))', 'decimal'],
    ['CAST($0 AS DECIMAL(12,2))', 'integer'],
    ['coalesce($0, $1)', 'decimal', 'decimal'],
  ],
  text: [
    ['concat($0, $1)', 'text', 'text'],
    ['$0 || $1', 'text', 'text'],
    ['concat($0, $1)', 'text', 'integer'],
    ['upper($0)', 'text'],
    ['lower($0)', 'text'],
    ['trim($0)', 'text'],
    ['substring($0, 2, 3)', 'text'],
    ['substring($0, 0)', 'text'],
    ['right($0, 2)', 'text'],
    ["replace($0, 'a', $1)", 'text', 'text'],
    ['CAST($0 AS STRING)', 'integer'],
    ['CAST($0 AS STRING)', 'date'],
    ['CAST($0 AS STRING)', 'timestamp'],
    ['CAST($0 AS STRING)', 'decimal'],
    ["date_format($0, 'yyyy-MM-dd HH')", 'timestamp'],
    ['coalesce($0, $1)', 'text', 'text'],
    ['CASE WHEN $0 THEN $1 END', 'condition', 'text'],
  ],
  date: [
    ['$0 + $1', 'date', 'integer'],
    ['date_sub($0, 40)', 'date'],
    ["trunc($0, 'MM')", 'date'],
    ['last_day($0)', 'date'],
    ['add_months($0, 13)', 'date'],
    ['to_date($0)', 'timestamp'],
    ['CAST($0 AS DATE)', 'text'],
    ['if($2, $0, $1)', 'date', 'date', 'condition'],
  ],
  timestamp: [
    ["date_trunc('HOUR', $0)", 'timestamp'],
    ["date_trunc('week', $0)", 'date'],
    ['greatest($0, $1)', 'timestamp', 'timestamp'],
    ['coalesce($0, $1)', 'timestamp', 'date'],
  ],
  condition: [
    ...(['integer', 'long', 'double', 'decimal', 'text', 'date', 'timestamp'] as const).flatMap((kind) =>
      ['=', '<', '>=', '<>', '<=>'].map((operator) => [`$0 ${operator} $1`, kind, kind] as const),
    ),
    ['$0 < $1', 'integer', 'decimal'],
    ['$0 > $1', 'long', 'double'],
    ['$0 <= $1', 'date', 'timestamp'],
    ['$0 AND $1', 'condition', 'condition'],
    ['$0 OR $1', 'condition', 'condition'],
    ['NOT $0', 'condition'],
    ['$0 IS TRUE', 'condition'],
    ['$0 IS NOT NULL', 'text'],
    ['$0 IN ($1, $2)', 'integer', 'integer', 'long'],
    ['$0 NOT IN ($1, NULL)', 'text', 'text'],
    ['$0 BETWEEN $1 AND $2', 'decimal', 'integer', 'decimal'],
    ['$0 NOT BETWEEN $1 AND $2', 'date', 'date', 'date'],
    ["$0 LIKE 'a%b_c'", 'text'],
    ["$0 LIKE '%\\\\%%'", 'text'],
    ['startswith($0, $1)', 'text', 'text'],
    ['contains($0, $1)', 'text', 'text'],
    ['isnan($0)', 'double'],
  ],
}

/** Expressions of any kind. */
export const expressions: fc.Arbitrary<string> = fc.constantFrom(...(Object.keys(forms) as Kind[])).chain((kind) => made(kind, 3))

function made(kind: Kind, depth: number): fc.Arbitrary<string> {
  const leaf = fc.constantFrom(...leaves[kind])
  if (depth === 0) return leaf
  const inner = fc
    .constantFrom(...forms[kind])
    .chain(([form, ...parts]) =>
      fc
        .tuple(...parts.map((part) => made(part, depth - 1)))
        .map((given) => `(${form.replaceAll(/\$(\d)/g, (_, at) => given[Number(at)]!)})`),
    )
  return fc.oneof({ weight: 1, arbitrary: leaf }, { weight: 3, arbitrary: inner })
}
