import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Connection, closedEngine, configureEngine, type Engine, throwAwayEngine, trustedEngine } from '../../src/engine/index.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-engine-'))
  await writeFile(join(folder, 'a.csv'), 'x\n1\n2\n')
})

afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the trusted instance', () => {
  test('is one a process, takes every timestamp as UTC and keeps the order of rows', async () => {
    const engine = await trustedEngine()
    expect(await trustedEngine()).toBe(engine)
    const connection = await engine.connect()
    const [row] = await connection.all(
      `SELECT current_setting('TimeZone') AS zone, current_setting('preserve_insertion_order') AS ordered,
        current_setting('autoinstall_known_extensions') AS install, CAST(TIMESTAMPTZ '2026-01-01 00:30:00+02' AS VARCHAR) AS at`,
    )
    expect(row).toEqual({ zone: 'UTC', ordered: true, install: false, at: '2025-12-31 22:30:00+00' })
    await connection.close()
  })

  test('takes on other limits while it runs', async () => {
    const connection = await (await trustedEngine()).connect()
    await configureEngine({ memoryLimit: '1GiB', threads: 1 })
    const settings = `SELECT current_setting('memory_limit') AS memory, current_setting('threads') AS threads`
    expect(await connection.all(settings)).toEqual([{ memory: '1.0 GiB', threads: 1n }])
    await configureEngine({ memoryLimit: '2 GB', threads: 2 })
    expect(await connection.all(settings)).toEqual([{ memory: '1.8 GiB', threads: 2n }])
    await connection.close()
  })

  test.each([{ threads: 0 }, { threads: 1.5 }, { memoryLimit: 'lots' }, { memoryLimit: '80%' }])('refuses %o', async (options) => {
    await expect(configureEngine(options)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('spills into a folder of its own, which is gone afterwards', async () => {
    const spill = join(folder, 'spill')
    await configureEngine({ temporaryFolder: folder })
    const engine = await throwAwayEngine()
    const connection = await engine.connect()
    const [row] = await connection.all(`SELECT current_setting('temp_directory') AS folder`)
    expect(String(row!.folder).startsWith(folder)).toBe(true)
    await engine.close()
    expect(existsSync(String(row!.folder))).toBe(false)
    expect(existsSync(spill)).toBe(false)
    await configureEngine({ temporaryFolder: tmpdir() })
  })
})

describe('a closed instance', () => {
  let engine: Engine
  let connection: Connection

  beforeAll(async () => {
    engine = await closedEngine({
      folders: [folder],
      setup: async (setup) => {
        await setup.run(`CREATE VIEW a AS FROM read_csv('${join(folder, 'a.csv')}')`)
      },
    })
    connection = await engine.connect()
  })

  afterAll(() => engine.close())

  test('reads what its views name', async () => {
    expect(await connection.all('SELECT sum(x)::INTEGER AS sum FROM a')).toEqual([{ sum: 3 }])
  })

  test.each([
    `FROM read_text('/etc/passwd')`,
    `FROM read_csv('/etc/passwd')`,
    `FROM read_blob('/etc/hosts')`,
    `FROM '/etc/passwd'`,
    `FROM glob('/etc/*')`,
    `FROM sniff_csv('/etc/passwd')`,
    `FROM read_csv('https://example.com/a.csv')`,
    `FROM read_parquet('s3://bucket/a.parquet')`,
    `ATTACH '/tmp/varve-attached.db'`,
    `COPY (SELECT 1) TO '/tmp/varve-copied.csv'`,
    `EXPORT DATABASE '/tmp/varve-exported'`,
    'INSTALL httpfs',
    'LOAD httpfs',
    `CREATE SECRET (TYPE s3)`,
    'SET enable_external_access = true',
    `SET allowed_directories = ['/']`,
    `SET TimeZone = 'Asia/Tokyo'`,
    'RESET threads',
    `SET temp_directory = '/tmp/varve-elsewhere'`,
    `PRAGMA enable_profiling = 'json'`,
    `SET lock_configuration = false`,
  ])('refuses %s', async (sql) => {
    await expect(connection.run(sql)).rejects.toMatchObject({ code: expect.stringMatching(/^SQL_(REFUSED|ERROR|UNKNOWN_TABLE)$/) })
    expect(['attached.db', 'copied.csv', 'exported', 'elsewhere'].filter((name) => existsSync(`/tmp/varve-${name}`))).toEqual([])
  })

  test('refuses what leads out of its folders by dots or by a link', async () => {
    await expect(connection.all(`FROM read_text('${folder}/../../etc/passwd')`)).rejects.toMatchObject({ code: 'SQL_REFUSED' })
  })

  test('is given up whole when its setup fails', async () => {
    const failing = closedEngine({ folders: [folder], setup: (setup) => setup.all(`FROM read_text('/etc/passwd')`).then(() => undefined) })
    await expect(failing).rejects.toMatchObject({ code: 'SQL_REFUSED' })
  })
})

test('a throw-away instance opens no file at all and parses a column list', async () => {
  const engine = await throwAwayEngine()
  const connection = await engine.connect()
  await expect(connection.all(`FROM read_csv('${join(folder, 'a.csv')}')`)).rejects.toMatchObject({ code: 'SQL_REFUSED' })
  await connection.run('CREATE TABLE t (id BIGINT NOT NULL, tags VARCHAR[])')
  expect(await connection.describe('FROM t')).toMatchObject([
    { name: 'id', type: 'long' },
    { name: 'tags', sqlType: 'VARCHAR[]' },
  ])
  await engine.close()
  await expect(engine.connect()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
})

test('closing while queries run ends them, and closing again is nothing', async () => {
  const engine = await throwAwayEngine()
  const connections = await Promise.all([engine.connect(), engine.connect(), engine.connect()])
  const endless = connections.map((connection) =>
    connection.run('SELECT count(*) FROM range(1000000000) a, range(1000000) b').catch((error: unknown) => error),
  )
  const stream = await (await engine.connect()).stream('SELECT i FROM range(100000000) t(i)')
  await stream[Symbol.asyncIterator]().next()
  await engine.close()
  await engine.close()
  for (const failure of await Promise.all(endless)) expect(failure).toMatchObject({ code: 'ABORTED' })
  expect(engine.usable).toBe(false)
})
