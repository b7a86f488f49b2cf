/**
 * Expressions of the list over a few rows of awkward values. `answers.json` beside it holds what Spark gives for each expression and row,
 * written by `test/interop/expressions.test.ts`, which also asks Spark anew.
 */
import { trustedEngine } from '../../../src/engine/index.ts'
import { type ExpressionOptions, readExpression } from '../../../src/schema/expression/expression.ts'
import { field, struct } from '../../../src/schema/schema-json.ts'
import { toSqlType } from '../../../src/schema/sql-type.ts'
import type { PrimitiveType } from '../../../src/schema/types.ts'
import { type Canonical, canonicalRows } from '../../interop/peers/canonical.ts'

/** Columns by name: the type, its name in Spark, and a text for each row. */
const columns: readonly (readonly [name: string, type: PrimitiveType, spark: string, texts: readonly (string | null)[]])[] = [
  ['n', 'integer', 'INT', ['0', '1', '2', '3', '4', '5', '6', '7']],
  ['i', 'integer', 'INT', ['0', '1', '-1', '2147483647', '-2147483648', '7', null, '-7']],
  ['j', 'integer', 'INT', ['3', '0', '2', '1', '-1', '-2', '5', null]],
  ['l', 'long', 'BIGINT', ['0', '9007199254740993', '-9223372036854775808', '9223372036854775807', '-5', '12', null, '1']],
  ['s', 'short', 'SMALLINT', ['0', '32767', '-32768', '1', '2', null, '3', '-4']],
  ['b', 'byte', 'TINYINT', ['0', '127', '-128', '1', null, '2', '3', '-4']],
  ['d', 'double', 'DOUBLE', ['0.0', '-0.0', 'NaN', '2.5', '-2.5', '0.1', null, '1e300']],
  ['e', 'double', 'DOUBLE', ['-0.0', '1.5', 'NaN', 'Infinity', '-Infinity', '0.3', '1', null]],
  ['f', 'float', 'FLOAT', ['0.1', '-0.0', 'NaN', '16777216', '-1.5', null, '3.4e38', '0.5']],
  ['p', 'decimal(10,2)', 'DECIMAL(10,2)', ['0.00', '1.25', '-1.25', '99999999.99', '2.50', '-2.50', null, '0.05']],
  ['q', 'decimal(5,3)', 'DECIMAL(5,3)', ['0.125', '-0.125', '99.999', '1.000', null, '2.500', '0.001', '-7.500']],
  ['t', 'string', 'STRING', ['', 'abc', 'ABC', ' a b ', 'a%b_c', 'añb', null, '12']],
  ['u', 'string', 'STRING', ['abc', 'b', 'abd', 'é', '\u{1F600}x', 'a\nb', '-3', null]],
  ['day', 'date', 'DATE', ['1970-01-01', '2024-02-29', '1969-12-31', '0001-01-01', '9999-12-31', '2026-03-15', null, '2000-12-31']],
  [
    'ts',
    'timestamp',
    'TIMESTAMP',
    [
      '1970-01-01 00:00:00',
      '2024-02-29 23:59:59.999999',
      '1969-12-31 23:59:59.999999',
      '1582-10-04 01:02:03.000004',
      '9999-12-31 00:00:00',
      '2026-03-15 12:30:45.5',
      null,
      '2000-12-31 10:00:00',
    ],
  ],
  [
    'ntz',
    'timestamp_ntz',
    'TIMESTAMP_NTZ',
    [
      '1970-01-01 00:00:00',
      null,
      '1969-12-31 23:59:59.999999',
      '0001-01-01 00:00:00',
      '2026-03-15 12:30:45.120000',
      '2026-03-15 12:30:45.5',
      '2024-12-30 00:00:01',
      '2000-12-31 10:00:00',
    ],
  ],
  ['ok', 'boolean', 'BOOLEAN', ['true', 'false', null, 'true', 'false', null, 'true', 'false']],
]

/** The columns as a table's, with a struct of two of them. */
export const schema = struct(
  ...columns.map(([name, type]) => field(name, type)),
  field('st', struct(field('x', 'integer'), field('In ner', struct(field('y', 'string'))))),
)

/** A query of the rows in Spark's SQL, or in DuckDB's. */
export function rowsSql(engine: 'spark' | 'duckdb'): string {
  const quote = (text: string) => (engine === 'spark' ? `'${text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}'` : `'${text}'`)
  const rows = columns[0]![3].map((_, row) => {
    const cells = columns.map(([name, type, spark, texts]) => {
      const text = texts[row]!
      const sqlType = engine === 'spark' ? spark : toSqlType(type)
      return text === null
        ? `CAST(NULL AS ${sqlType}) AS ${name}`
        : `CAST(${quote(type === 'timestamp' ? `${text}+00:00` : text)} AS ${sqlType}) AS ${name}`
    })
    return `SELECT ${cells.join(', ')}`
  })
  const all = `(${rows.join(' UNION ALL ')})`
  return engine === 'spark'
    ? `SELECT *, named_struct('x', i, 'In ner', if(n = 1, NULL, named_struct('y', t))) AS st FROM ${all}`
    : `SELECT *, struct_pack(x := i, "In ner" := CASE WHEN n = 1 THEN NULL ELSE struct_pack(y := t) END) AS st FROM ${all}`
}

/**
 * What an expression gives for each row, in order of `n`; `failed` where it stops the statement. Rows are asked for one by one only
 * where all together fail.
 */
export async function evaluate(text: string, options: Partial<ExpressionOptions> = {}): Promise<(Canonical | 'failed')[]> {
  const { duckdb } = readExpression(text, { schema, what: 'the test', ...options })
  const connection = await (await trustedEngine()).connect()
  const run = async (where: string) => {
    const rows = await canonicalRows(await connection.stream(`SELECT n, ${duckdb} AS v FROM (${rowsSql('duckdb')}) ${where} ORDER BY n`))
    return rows.map((row) => row[1]![1])
  }
  try {
    return await run('')
  } catch {
    const found: (Canonical | 'failed')[] = []
    for (const row of columns[0]![3].keys()) found.push(...(await run(`WHERE n = ${row}`).catch(() => ['failed' as const])))
    return found
  } finally {
    await connection.close()
  }
}

/** Expressions of every operator and function of the list. */
export const listed: readonly string[] = String.raw`
i + 1
i - j
i * 2
b + s
b + 1Y
s * s
l + i
-i
-d
-p
i / j
l / 3
d / e
i % j
d % e
i DIV j
l DIV 3
-7 DIV 2
-7 % 3
5 / 2
p + q
p - 1
p * q
p * 2
p * 1.5
p + l
i + d
d * 2
d + 0.1
d * e
i = j
i <=> j
NOT i <=> j
d = e
d < e
d > e
d <=> e
d = 0
e > 1000000
i < 2.5
l > 9007199254740992.5
p > 1
p >= 1.25
p = q
p < d
f > 0.1
f = 1.5D
f >= 1Y
f = 16777216
t = u
t < u
t <=> u
t || u
'a' || 'b\'c'
ok AND i > 0
ok OR i > 0
NOT ok
ok IS TRUE
ok IS NOT FALSE
i IS NULL
i IS NOT NULL
st IS NULL
st.x > 0
st.${'`In ner`'}.y = 'abc'
i IN (0, 1, NULL)
i NOT IN (1, 7)
l IN (i, 12)
p IN (1.25, 2.5)
day IN ('2024-02-29', DATE'1970-01-01')
i BETWEEN -1 AND 5
i NOT BETWEEN j AND 5
d BETWEEN 0 AND e
t LIKE 'a%'
t LIKE '%\\%%'
t LIKE '_b_'
u LIKE 'a%b'
t NOT LIKE '%b%'
t LIKE 'a!%b!_c' ESCAPE '!'
u LIKE '_x'
CASE WHEN i > 0 THEN 'pos' WHEN i < 0 THEN 'neg' ELSE 'zero' END
CASE i WHEN 0 THEN 1L WHEN j THEN 2 END
CASE WHEN i > 0 THEN p ELSE 1.5 END
CASE WHEN ok THEN d ELSE i END
CASE WHEN day IS NULL THEN ts ELSE day END
j <> 0 AND i / j > 1
j = 0 OR i % j = 0
if(j = 0, 0, i DIV j)
coalesce(i, j, 0)
coalesce(t, 'none')
nvl(p, 0.5)
nvl2(i, 'a', 'b')
ifnull(l, 1)
nullif(i, j)
nullif(i, 1.0)
greatest(i, j)
greatest(d, e)
least(d, e, 1)
least(t, u)
greatest(day, DATE'2000-01-01')
isnull(i)
isnotnull(t)
isnan(d)
abs(i)
abs(p)
abs(d)
floor(d)
floor(p)
floor(i)
ceil(p)
ceil(q)
ceil(e)
round(p)
round(p, 1)
round(q, 2)
round(d)
round(q, 5)
round(i)
year(day)
month(ts)
day(ntz)
dayofmonth(day)
quarter(ts)
dayofyear(day)
weekofyear(day)
weekofyear(ntz)
dayofweek(day)
weekday(ts)
hour(ts)
minute(ntz)
second(ts)
extract(YEAR FROM ts)
to_date(ts)
date_add(day, 30)
date_sub(day, j)
day + 1
day - 1
datediff(day, DATE'2000-01-01')
datediff(ts, day)
last_day(day)
add_months(day, 1)
add_months(day, -12)
add_months(DATE'2024-01-31', j)
date_trunc('HOUR', ts)
date_trunc('month', ntz)
date_trunc('week', ts)
date_trunc('quarter', day)
date_trunc('MILLISECOND', ts)
trunc(day, 'MM')
trunc(ts, 'year')
trunc(day, 'week')
date_format(ts, 'yyyy-MM')
date_format(day, 'yyyy-MM-dd')
date_format(ntz, 'yyyy-MM-dd HH:mm:ss')
date_format(ts, 'yyyyMMdd')
day = '2024-02-29'
day > ts
ts >= '2000-01-01 00:00:00'
ts = ntz
ts < TIMESTAMP'2024-02-29 23:59:59.999999'
ts > TIMESTAMP'2026-03-15 12:30:45.25+02:00'
ntz < TIMESTAMP_NTZ'2026-03-15 12:30:45.2'
day >= DATE'2000-12-31'
concat(t, '-', u)
concat(t, i)
upper(t)
lower(t)
upper(u)
lower('ÀÉ')
length(t)
char_length(u)
length(X'00FF10')
trim(t)
ltrim(t)
rtrim(t)
trim('\t x ')
substring(t, 2)
substring(u, 1, 1)
substr(t, 0, 2)
left(u, 2)
right(t, 2)
startswith(t, 'a')
endswith(u, 'b')
contains(t, 'b')
contains(t, '')
replace(t, 'b', '--')
md5(t)
CAST(i AS BIGINT)
CAST(l AS INT)
CAST(i AS DOUBLE)
CAST(l AS DOUBLE)
CAST(l AS FLOAT)
CAST(d AS INT)
CAST(e AS BIGINT)
CAST(p AS INT)
CAST(p AS DOUBLE)
CAST(p AS DECIMAL(12,1))
CAST(q AS DECIMAL(5,0))
CAST(i AS DECIMAL(12,2))
CAST(l AS DECIMAL(10,0))
CAST(f AS DOUBLE)
CAST(i AS STRING)
CAST(p AS STRING)
CAST(ok AS STRING)
CAST(ok AS INT)
CAST(i AS BOOLEAN)
CAST(day AS STRING)
CAST(ts AS STRING)
CAST(ntz AS STRING)
CAST(ts AS DATE)
CAST(ntz AS DATE)
CAST(day AS TIMESTAMP)
CAST(day AS TIMESTAMP_NTZ)
CAST(ts AS TIMESTAMP_NTZ)
CAST(t AS INT)
CAST(u AS BIGINT)
CAST(CAST(day AS STRING) AS DATE)
CAST('2024-02-29' AS DATE)
CAST('2024-02-29' AS TIMESTAMP)
CAST(NULL AS INT)
int(d)
string(i)
2147483648
-9223372036854775808
1e2
.5
1.
1.50BD
'tab\tand \\ and \u00e9'
"double 'quoted'"
X'0aFf'
NULL
NULL = 1
i > NULL
TRUE
`
  .split('\n')
  .filter((line) => line !== '')
