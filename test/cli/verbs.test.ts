/** The verbs by hand, through the built command line: what they print, what they leave behind, how they end. */
import { once } from 'node:events'
import { access, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tableFromIPC } from 'apache-arrow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChildOptions, ended, runCommand, startVarve, varve } from '../support/child.ts'
import { project } from '../support/project.ts'

let folder: string
let times: { version: number; timestamp: string }[]

const run = (args: readonly string[], options: ChildOptions = {}) => varve(args, { cwd: folder, ...options })

/** Runs to success and gives stdout. */
async function ok(...args: readonly string[]): Promise<string> {
  const done = await run(args)
  expect(done, done.stderr).toMatchObject({ code: 0 })
  return done.stdout
}

const lines = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-verbs-'))
  await writeFile(join(folder, 'a.csv'), 'id,city,n\n1,Oslo,10\n2,Turku,20\n')
  await writeFile(join(folder, 'b.csv'), 'id,city,n\n3,Oslo,30\n')
  await writeFile(join(folder, 'c.csv'), 'id,city,n\n4,Visby,40\n')
  await ok(
    'create',
    'events',
    '--schema',
    'id BIGINT NOT NULL, city VARCHAR, n INTEGER',
    '--partition-by',
    'city',
    '--message',
    'made by hand',
  )
  await ok('append', 'events', 'a.csv', '--txn', 'etl:1', '--source', 'crm')
  await new Promise((resolve) => setTimeout(resolve, 20))
  await ok('append', 'events', 'b.csv', 'c.csv')
  times = lines(await ok('history', 'events', '--json')) as typeof times
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('writing', () => {
  test('append --json says version, operation, alreadyApplied and metrics', async () => {
    const [result] = lines(await ok('append', 'fresh', 'a.csv', '--create', '--txn', 'etl:1', '--json'))
    expect(result).toMatchObject({ version: 0, alreadyApplied: false, metrics: { numOutputRows: 2 } })
    expect(Object.keys(result ?? {})).toEqual(['version', 'operation', 'alreadyApplied', 'metrics'])
    expect(lines(await ok('append', 'fresh', 'a.csv', '--create', '--txn', 'etl:1', '--json'))[0]).toMatchObject({
      version: 0,
      alreadyApplied: true,
    })
    expect(await ok('query', 'fresh', 'SELECT count(*) AS n FROM fresh', '--format', 'csv')).toBe('n\n2\n')
  })

  test('an older number that never landed is refused, unless it is said how it is meant', async () => {
    await ok('append', 'order', 'a.csv', '--create', '--txn', 'x:5')
    const refused = await run(['append', 'order', 'b.csv', '--txn', 'x:4', '--json'])
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(JSON.parse(refused.stderr).error.code).toBe('TXN_OUT_OF_ORDER')
    expect(lines(await ok('append', 'order', 'b.csv', '--txn', 'x:4', '--txn-skip-older', '--json'))[0]).toMatchObject({
      alreadyApplied: true,
    })
    expect(lines(await ok('append', 'order', 'b.csv', '--txn', 'x:4', '--txn-any-order', '--json'))[0]).toMatchObject({ version: 1 })
    expect(lines(await ok('append', 'order', 'b.csv', '--txn', 'x:4', '--txn-any-order', '--json'))[0]).toMatchObject({
      alreadyApplied: true,
    })
  })

  test('a log that names files elsewhere is read with --allow-path', async () => {
    const log = join(folder, 'clone', '_delta_log')
    await mkdir(log, { recursive: true })
    const [first, second] = await Promise.all(
      [0, 1].map((version) => readFile(join(folder, 'events', '_delta_log', `0000000000000000000${version}.json`), 'utf8')),
    )
    await writeFile(join(log, '00000000000000000000.json'), first + second!.replaceAll('"path":"', `"path":"${folder}/events/`))
    const refused = await run(['query', 'clone', 'SELECT id FROM clone', '--json'])
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stderr).error).toMatchObject({ code: 'PATH_OUTSIDE_ROOT', remedy: expect.stringContaining('--allow-path') })
    for (const point of [[], ['--version', '0']]) {
      expect(
        await ok('query', 'clone', 'SELECT id FROM clone ORDER BY id', '--format', 'csv', '--allow-path', join(folder, 'events'), ...point),
      ).toBe('id\n1\n2\n')
    }
  })

  test('stdin is read, in every format', async () => {
    await ok('append', 'piped', 'a.csv', '--create')
    for (const format of ['csv', 'json', 'ndjson', 'parquet', 'arrow']) {
      const script = `varve() { "${process.execPath}" "${join(project, 'bin/varve.js')}" "$@"; }
        varve query events@1 'SELECT id, city, n FROM events' --format ${format} | varve append piped - --format ${format} --json`
      const done = await runCommand('bash', ['-euo', 'pipefail', '-c', script], { cwd: folder })
      expect(done, done.stderr).toMatchObject({ code: 0 })
      expect(lines(done.stdout)[0]).toMatchObject({ metrics: { numOutputRows: 2 } })
    }
    expect(await ok('query', 'piped', 'SELECT count(*) AS n, count(DISTINCT (id, city, n)) AS d FROM piped', '--format', 'csv')).toBe(
      'n,d\n12,2\n',
    )
  })

  test('for people it says what happened in a line, and nothing with --quiet', async () => {
    expect(await ok('append', 'said', 'a.csv', '--create', '--txn', 'etl:9')).toMatch(/^said@0: \+2 rows in 1 file \(.*\), .* s\n$/)
    expect(await ok('append', 'said', 'a.csv', '--txn', 'etl:9')).toBe('etl:9 was applied before: nothing changed, said is at version 0.\n')
    expect(await ok('append', 'said', 'b.csv', '--quiet')).toBe('')
  })

  test('create refuses a table that is there, unless told to leave it', async () => {
    const again = await run(['create', 'events', '--schema', 'x BIGINT', '--json'])
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(JSON.parse(again.stderr).error.code).toBe('TABLE_EXISTS')
    await mkdir(join(folder, 'empty'))
    await ok('create', 'events', '--schema', 'x BIGINT', '--if-not-exists')
    expect(lines(await ok('history', 'events', '--json'))).toHaveLength(3)
  })

  test('create --like takes the columns of a file, --from-parquet the files that lie there', async () => {
    await ok('create', 'like', '--like', 'a.csv', '--property', 'delta.appendOnly=true')
    const [like] = lines(await ok('show', 'like', '--json')) as [
      { schema: { fields: { name: string }[] }; properties: Record<string, string> },
    ]
    expect(like.schema.fields.map(({ name }) => name)).toEqual(['id', 'city', 'n'])
    expect(like.properties['delta.appendOnly']).toBe('true')
    await mkdir(join(folder, 'there'))
    await ok('query', 'events', 'SELECT * FROM events', '--output', 'there/rows.parquet')
    await ok('create', 'there', '--from-parquet')
    expect(await ok('query', 'there', 'SELECT sum(n) AS n FROM there', '--format', 'csv')).toBe('n\n100\n')
  })
})

describe('reading', () => {
  test.each([
    [['events'], 4],
    [['events@1'], 2],
    [['events', '--version', '1'], 2],
    [['events@0'], 0],
  ])('%j', async (args, rows) => {
    expect(await ok('query', ...args.slice(0, 1), 'SELECT count(*) AS n FROM events', ...args.slice(1), '--format', 'csv')).toBe(
      `n\n${rows}\n`,
    )
  })

  test('an instant names the last version committed by then', async () => {
    const at = times.find(({ version }) => version === 1)?.timestamp ?? ''
    for (const args of [[`events@${at}`], ['events', '--timestamp', at]]) {
      expect(await ok('query', args[0] ?? '', 'SELECT count(*) AS n FROM events', ...args.slice(1), '--format', 'csv')).toBe('n\n2\n')
    }
  })

  test('tables have names of their own, and can be read at another point inside the SQL', async () => {
    const sql =
      'SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM b) AS b, (SELECT count(*) FROM a x AT (VERSION => 1)) AS c, (SELECT count(*) FROM "events@1") AS d'
    expect(lines(await ok('query', 'a=events', 'b=./events@0', 'events', sql))).toEqual([{ a: 4, b: 0, c: 2, d: 2 }])
  })

  test('a folder whose name holds an @ is reached with a slash', async () => {
    await ok('append', 'odd@name/', 'a.csv', '--create')
    await ok('append', 'odd@name/', 'b.csv')
    expect(await ok('query', 'odd@name/', 'SELECT count(*) AS n FROM "odd@name"', '--format', 'csv')).toBe('n\n3\n')
    expect(await ok('query', 'o=odd@name/@0', 'SELECT count(*) AS n FROM o', '--format', 'csv')).toBe('n\n2\n')
  })

  test('parameters are bound: numbers exactly, text as text', async () => {
    const sql =
      'SELECT $big AS big, typeof($big) AS type, $text AS text, $digits AS digits, list_sum($list) AS sum, $none AS none FROM events LIMIT 1'
    const params = ['big=9007199254740993', `text=x'; DROP TABLE events; --`, 'digits="007"', 'list=[1,2]', 'none=null']
    const out = await ok('query', 'events', sql, ...params.flatMap((param) => ['--param', param]))
    expect(out).toContain('"big":9007199254740993,"type":"BIGINT"')
    expect(JSON.parse(out)).toMatchObject({ text: "x'; DROP TABLE events; --", digits: '007', sum: 3, none: null })
    expect(
      await ok(
        'query',
        'events',
        'SELECT id FROM events WHERE city = $city AND n > $least',
        '--param',
        'city=Oslo',
        '--param',
        'least=10',
        '--format',
        'csv',
      ),
    ).toBe('id\n3\n')
  })

  test('values are printed exactly', async () => {
    const sql = `SELECT 9223372036854775807 AS long, 12345678901234567890123456789.123456789::DECIMAL(38,9) AS dec, 0.1::FLOAT AS f, 1e300::DOUBLE AS d,
      'NaN'::DOUBLE AS nan, '-Infinity'::DOUBLE AS inf, TIMESTAMPTZ '1969-12-31 23:59:59.123456+00' AS ts, TIMESTAMP '2024-03-15 10:00:00' AS ntz, DATE '0001-01-01' AS day,
      '\\x00\\xFF'::BLOB AS bytes, [1, NULL] AS list, {'a': 'x"', 'b': NULL} AS struct, MAP {'k': 1.5::DOUBLE} AS map, '' AS empty, NULL AS nothing, true AS yes FROM events LIMIT 1`
    expect((await ok('query', 'events', sql)).trim()).toBe(
      '{"long":9223372036854775807,"dec":12345678901234567890123456789.123456789,"f":0.1,"d":1e+300,"nan":"NaN","inf":"-Infinity",' +
        '"ts":"1969-12-31T23:59:59.123456Z","ntz":"2024-03-15T10:00:00","day":"0001-01-01","bytes":"AP8=","list":[1,null],' +
        '"struct":{"a":"x\\"","b":null},"map":{"k":1.5},"empty":"","nothing":null,"yes":true}',
    )
    expect(
      await ok('query', 'events', `SELECT 9223372036854775807 AS a, '' AS b, NULL AS c, 'x,y' AS d FROM events LIMIT 1`, '--format', 'csv'),
    ).toBe('a,b,c,d\n9223372036854775807,"",,"x,y"\n')
  })

  test('show, history and files have their fields', async () => {
    const [show] = lines(await ok('show', 'events@1', '--json'))
    expect(Object.keys(show ?? {})).toEqual(
      'version timestamp operation rows files bytes schema partitionBy protocol properties tags fingerprints runs provenance'.split(' '),
    )
    expect(show).toMatchObject({ version: 1, rows: 2, files: 2, partitionBy: ['city'] })
    expect(times.map(({ version }) => version)).toEqual([2, 1, 0])
    const entries = lines(await ok('history', 'events', '--json'))
    for (const entry of entries)
      expect(Object.keys(entry)).toEqual(
        'version timestamp operation parameters metrics txn message source tags engine runs author inputs git command code id parent changed'.split(
          ' ',
        ),
      )
    expect(entries[1]).toMatchObject({ txn: { appId: 'etl', version: 1 }, source: 'crm' })
    expect(entries[2]).toMatchObject({ message: 'made by hand' })
    expect(lines(await ok('history', 'events', '--limit', '2', '--json'))).toHaveLength(2)
    const files = lines(await ok('files', 'events', '--json'))
    for (const file of files) expect(Object.keys(file)).toEqual(['path', 'bytes', 'rows', 'deletedRows', 'partition', 'stats', 'modified'])
    expect(files.reduce((sum, file) => sum + Number(file.rows), 0)).toBe(4)
    for (const { path } of files) await access(join(folder, 'events', String(path)))
  })

  test('what people read is aligned', async () => {
    const history = (await ok('history', 'events')).trimEnd().split('\n')
    expect(history[0]).toMatch(/^VERSION {2}COMMITTED .* OPERATION .* CHANGE/)
    expect(history[2]).toMatch(/^ {6}1 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ .*\+2 rows in 2 files .*etl:1 {2}.*crm/)
    expect(await ok('show', 'events')).toMatch(
      /^events@2\n {2}committed +\d{4}[\s\S]*\n {2}rows +4\n[\s\S]*\n {2}id +BIGINT NOT NULL\n {2}city +VARCHAR\n {2}n +INTEGER\n$/,
    )
    expect(await ok('files', 'events')).toMatch(/ROWS +SIZE +MODIFIED +PARTITION +PATH\n[\s\S]*city=Oslo/)
    expect(await ok('query', 'events', 'SELECT id, city FROM events WHERE id = 1', '--format', 'table')).toBe(
      '┌────────┬─────────┐\n│     id │ city    │\n│ bigint │ varchar │\n├────────┼─────────┤\n│      1 │ Oslo    │\n└────────┴─────────┘\n1 row\n',
    )
  })
})

describe('--output', () => {
  test('every format, told by the extension', async () => {
    const sql = 'SELECT id, city FROM events ORDER BY id'
    for (const name of ['o.csv', 'o.json', 'o.ndjson', 'o.parquet', 'o.arrow', 'o.txt']) {
      const done = await run(['query', 'events', sql, '--output', name])
      expect(done).toMatchObject({ code: 0, stdout: '' })
      expect(done.stderr).toMatch(/^4 rows written to o\./)
    }
    expect(await readFile(join(folder, 'o.csv'), 'utf8')).toBe('id,city\n1,Oslo\n2,Turku\n3,Oslo\n4,Visby\n')
    expect(JSON.parse(await readFile(join(folder, 'o.json'), 'utf8'))).toHaveLength(4)
    expect(tableFromIPC(await readFile(join(folder, 'o.arrow'))).numRows).toBe(4)
    expect((await readFile(join(folder, 'o.parquet'))).subarray(0, 4).toString()).toBe('PAR1')
    expect(lines((await run(['query', 'events', sql, '--output', 'p.csv', '--json'])).stdout)[0]).toMatchObject({
      output: 'p.csv',
      rows: 4,
    })
  })

  test('a query that fails leaves what was there, and nothing of its own', async () => {
    await writeFile(join(folder, 'kept.csv'), 'before')
    const before = (await readdir(folder)).sort()
    for (const format of ['csv', 'parquet']) {
      const sql = "SELECT CASE WHEN i = 250000 THEN error('late')::BIGINT ELSE i END AS i FROM events, range(300000) r(i)"
      const done = await run(['query', 'events', sql, '--output', 'kept.csv', '--format', format])
      expect(done).toMatchObject({ code: 1, stdout: '' })
    }
    expect(await readFile(join(folder, 'kept.csv'), 'utf8')).toBe('before')
    expect((await readdir(folder)).sort()).toEqual(before)
  })

  test('a place that cannot be written is named', async () => {
    for (const output of ['nowhere/x.csv', 'events']) {
      const done = await run(['query', 'events', 'SELECT 1 AS x FROM events', '--output', output, '--json'])
      expect(done).toMatchObject({ code: 1, stdout: '' })
      expect(JSON.parse(done.stderr).error).toMatchObject({ code: 'OUTPUT_FAILED', message: expect.stringContaining(output) })
    }
    expect((await stat(join(folder, 'events'))).isDirectory()).toBe(true)
  })
})

describe('failures', () => {
  test.each([
    [['query', 'nothing', 'SELECT 1'], 'TABLE_NOT_FOUND'],
    [['query', 'events@99', 'SELECT 1 FROM events'], 'VERSION_NOT_FOUND'],
    [['query', 'events@1999-01-01', 'SELECT 1 FROM events'], 'VERSION_NOT_FOUND'],
    [['query', 'events@v9', 'SELECT 1 FROM events'], 'TAG_NOT_FOUND'],
    [['query', 'events', 'SELEC 1'], 'SQL_ERROR'],
    [['query', 'events', 'DROP TABLE events'], /^SQL_/],
    [['query', 'events', "SELECT * FROM read_csv('/etc/passwd')"], /^SQL_/],
    [['query', 'events', 'SELECT nope FROM events'], 'SQL_ERROR'],
    [['append', 'events', 'missing.csv'], 'INPUT_NOT_FOUND'],
    [['append', 'nothing', 'a.csv'], 'TABLE_NOT_FOUND'],
    [['append', 'events', 'empty'], /^INPUT_/],
    [['show', 'a.csv'], /TABLE_NOT_FOUND|NOT_A_FOLDER/],
  ])('%j', async (args, code) => {
    const done = await run([...args, '--json'])
    expect(done).toMatchObject({ code: 1, stdout: '' })
    const { error } = JSON.parse(done.stderr)
    expect(error.code).toMatch(code)
    expect(error.remedy).not.toBe('')
  })

  test('a version that is not there: the error states the range that is', async () => {
    expect((await run(['query', 'events@99', 'SELECT 1 FROM events'])).stderr).toMatch(/0.*2/)
  })

  test('a foreign file is refused, and the table is unharmed', async () => {
    await writeFile(join(folder, 'foreign.parquet'), 'this is no Parquet file')
    await writeFile(join(folder, 'other.csv'), 'x\n1\n')
    expect(JSON.parse((await run(['append', 'events', 'foreign.parquet', '--json'])).stderr).error.code).toBe('INPUT_CORRUPT')
    expect(JSON.parse((await run(['append', 'events', 'other.csv', '--json'])).stderr).error.code).toMatch(/UNKNOWN_COLUMN|MISSING_COLUMN/)
    expect(lines(await ok('history', 'events', '--json'))).toHaveLength(3)
  })
})

describe('how it ends', () => {
  const long = ['query', 'events', 'SELECT a.i, b.i AS j FROM events, range(100000) a(i), range(100000) b(i)', '--format', 'csv']

  test('a closed pipe ends quietly', async () => {
    const child = startVarve(long, { cwd: folder })
    const [first] = await once(child.stdout!, 'data')
    expect(String(first)).toMatch(/^i,j\n/)
    child.stdout?.destroy()
    expect(await ended(child)).toMatchObject({ code: 0, signal: null, stderr: '' })
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('%s is exit 130', async (signal) => {
    const sql = 'SELECT count(*) AS n FROM events, range(1000000) a(i), range(1000000) b(i) WHERE hash(a.i, b.i) % 7 = 3'
    const child = startVarve(['query', 'events', sql, '--json'], { cwd: folder })
    const done = ended(child)
    setTimeout(() => child.kill(signal), 1500)
    const { code, stdout, stderr } = await done
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
    expect(JSON.parse(stderr).error.code).toBe('ABORTED')
  })

  test('an interrupted append leaves the version, or nothing', async () => {
    await ok('create', 'cut', '--schema', 'i BIGINT')
    await ok('query', 'events', 'SELECT i FROM events, range(500000) r(i)', '--output', 'many.parquet')
    for (const delay of [200, 350, 500]) {
      const child = startVarve(['append', 'cut', 'many.parquet', '--json'], { cwd: folder })
      const done = ended(child)
      setTimeout(() => child.kill('SIGINT'), delay)
      const { code } = await done
      expect([0, 130, null]).toContain(code)
    }
    const versions = lines(await ok('history', 'cut', '--json')).length - 1
    expect(await ok('query', 'cut', 'SELECT count(*) AS n FROM cut', '--format', 'csv')).toBe(`n\n${versions * 2_000_000}\n`)
    await ok('append', 'cut', 'many.parquet')
  })

  test.runIf(process.platform === 'linux')('a full disk under stdout is an error', async () => {
    const script = `"${process.execPath}" "${join(project, 'bin/varve.js')}" query events 'SELECT * FROM events' --json > /dev/full`
    const done = await runCommand('bash', ['-c', script], { cwd: folder })
    expect(done.code).toBe(1)
    expect(JSON.parse(done.stderr).error.code).toBe('OUTPUT_FAILED')
  })

  test('no colour and no progress where nobody looks', async () => {
    const done = await run(['query', 'events', 'SELECT * FROM events', '--format', 'table'], { env: { FORCE_COLOR: '1' } })
    expect(done.stdout).not.toContain('\u001b')
    expect(done.stderr).toBe('')
  })
})
