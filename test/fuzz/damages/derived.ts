/** Damaged checkpoints, sidecars, compaction files, checksums and hints. */
import { cpSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lyingFooters } from '../lying-footer.ts'
import { inLog, tables } from '../tables.ts'
import { type Allowed, type Damage, flip, rewrite } from './damage.ts'

const find = (folder: string, pattern: RegExp) => readdirSync(folder).filter((name) => pattern.test(name))

/** Garbage that may stand in a small file of JSON. */
const garbage: readonly string[] = [
  '',
  '\0\0\0\0',
  'null',
  '7',
  '[]',
  '"4"',
  '{}',
  '{"version":',
  '{"version":"4"}',
  '{"version":-1}',
  '{"version":4.5}',
  '{"version":9007199254740993}',
  '{"version":1e308}',
  '{"version":99999999999999999999999999}',
  '{"version":3}',
  '{"version":0,"size":-5,"parts":1000000000}',
  '{"version":4,"size":"x","parts":"y","sizeInBytes":[],"numOfAddFiles":{}}',
  '{"version":4,"parts":7}',
  '{"version":4,"v2Checkpoint":{"path":"../../bait/bait.parquet","sizeInBytes":1,"modificationTime":0,"nonFileActions":7,"sidecarFiles":"x"}}',
  '['.repeat(100_000),
  `{"version":4,"size":12345678901234567890,"x":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
  '{"__proto__":{"version":4}}',
]

const checksums: readonly string[] = [
  ...garbage.filter((text) => !text.includes('version')),
  '{"numMetadata":1,"numProtocol":1,"metadata":null,"protocol":null}',
  '{"tableSizeBytes":-1,"numFiles":-1,"numMetadata":1,"numProtocol":1,"setTransactions":[],"domainMetadata":[],"metadata":{"schemaString":"x"},"protocol":{"minReaderVersion":1,"minWriterVersion":2}}',
  '{"tableSizeBytes":1,"numFiles":1,"numMetadata":1,"numProtocol":1,"setTransactions":[],"domainMetadata":[],"metadata":{"schemaString":7,"configuration":5,"partitionColumns":7},"protocol":{"minReaderVersion":1,"minWriterVersion":2}}',
]

/** Fields of a checksum that another value replaces; its counts, where they are whole numbers, cannot be checked. */
const checksumFields: readonly (readonly [string, unknown, Allowed])[] = [
  ['numFiles', 3, 'counts'],
  ['numFiles', -3, 'same'],
  ['numFiles', 'x', 'same'],
  ['tableSizeBytes', 2 ** 60, 'same'],
  ['setTransactions', [null, 7, { appId: 5 }], 'same or refused'],
  ['setTransactions', 'none', 'same'],
  ['domainMetadata', [null, 'x'], 'same or refused'],
  ['protocol', { minReaderVersion: 1 }, 'same or refused'],
  ['protocol', { minReaderVersion: 3, minWriterVersion: 7, readerFeatures: 'x' }, 'same or refused'],
  ['inCommitTimestampOpt', 'x', 'same or refused'],
  ['varve', 7, 'same'],
  ['varve', { rows: 'many', checkpoint: 'here' }, 'same or refused'],
  ['varve', { rows: -4, checkpoint: { version: 1e99, holds: {}, since: 'x' } }, 'counts'],
]

/** Without a checksum nobody can tell that these are lies. */
const undetectable = new Set(['groups: twice', 'groups: none'])

/** All of them; bits are flipped and files cut in `flips` more. */
export function derivedDamages(flips: number): Damage[] {
  const damages: Damage[] = []
  const add = (name: string, table: keyof typeof tables, allowed: Allowed, apply: Damage['apply']) =>
    damages.push({ name, table, allowed, apply })
  for (const [at, text] of garbage.entries()) {
    add(`hint: ${text.slice(0, 60)}`, at % 2 === 0 ? 'events' : 'parts', 'same', (root) =>
      writeFileSync(inLog(root, '_last_checkpoint'), text),
    )
  }
  for (const text of checksums) {
    add(`checksum: ${text.slice(0, 60)}`, 'events', 'same', (root) => {
      for (const name of find(join(root, '_delta_log'), /\.crc$/)) writeFileSync(inLog(root, name), text)
    })
  }
  for (const [key, value, allowed] of checksumFields) {
    add(`checksum: ${key} ${JSON.stringify(value)}`, 'events', allowed, (root) => {
      for (const name of find(join(root, '_delta_log'), /\.crc$/)) {
        rewrite(inLog(root, name), (bytes) => JSON.stringify({ ...JSON.parse(bytes.toString()), [key]: value }))
      }
    })
  }
  const parquet = /checkpoint\..*parquet$/
  for (const table of ['events', 'cleaned', 'parts', 'sidecars'] as const) {
    const allowed = tables[table] < 0 ? 'same' : 'same or refused'
    const each = (change: (path: string, root: string, source: string) => void) => (root: string, _: unknown, source: string) => {
      for (const name of find(join(root, '_delta_log'), parquet)) change(inLog(root, name), root, source)
    }
    const one = `checkpoint of ${table}`
    add(
      `${one}: empty`,
      table,
      allowed,
      each((path) => writeFileSync(path, '')),
    )
    add(
      `${one}: text`,
      table,
      allowed,
      each((path) => writeFileSync(path, '<html>404</html>'.repeat(100))),
    )
    add(
      `${one}: a tail without head`,
      table,
      allowed,
      each((path) => rewrite(path, (bytes) => bytes.subarray(bytes.length / 2))),
    )
    add(
      `${one}: foreign Parquet`,
      table,
      allowed,
      each((path, _, source) => cpSync(join(source, 'bait', 'foreign.parquet'), path)),
    )
    add(
      `${one}: columns of other types`,
      table,
      allowed,
      each((path, _, source) => cpSync(join(source, 'bait', 'other-types.parquet'), path)),
    )
    add(
      `${one}: no protocol`,
      table,
      allowed,
      each((path, _, source) => cpSync(join(source, 'bait', 'no-protocol.parquet'), path)),
    )
    for (const [name, lie] of lyingFooters)
      add(
        `${one}: ${name}`,
        table,
        undetectable.has(name) && table === 'parts' ? 'anything' : tables[table] < 0 ? 'same' : 'same or refused',
        each((path) => rewrite(path, lie)),
      )
  }
  add('checkpoint: a part gone', 'parts', 'same or refused', (root) =>
    rmSync(inLog(root, find(join(root, '_delta_log'), /0000000002\.0000000003/)[0]!)),
  )
  add('checkpoint: a part twice', 'parts', 'anything', (root) => {
    const names = find(join(root, '_delta_log'), parquet)
    cpSync(inLog(root, names[0]!), inLog(root, names[1]!))
  })
  for (const [name, change] of sidecarNames) {
    add(`sidecar: ${name}`, 'jsonTop', 'same or refused', (root, _, source) => {
      const [top] = find(join(root, '_delta_log'), /checkpoint.*json$/)
      rewrite(inLog(root, top!), (bytes) => bytes.toString().replace('"path":"0a.parquet"', () => `"path":${change(source)}`))
    })
  }
  add('sidecar: gone', 'sidecars', 'same or refused', (root) => rmSync(inLog(root, '_sidecars/0a.parquet')))
  add('sidecars: all gone', 'jsonTop', 'same or refused', (root) => rmSync(inLog(root, '_sidecars'), { recursive: true }))
  add('sidecar: foreign', 'sidecars', 'anything', (root, _, source) =>
    cpSync(join(source, 'bait', 'foreign.parquet'), inLog(root, '_sidecars/0a.parquet')),
  )
  add('sidecar: empty', 'jsonTop', 'same or refused', (root) => writeFileSync(inLog(root, '_sidecars/0a.parquet'), ''))
  for (const [name, change] of tops) {
    add(`top: ${name}`, 'jsonTop', 'same or refused', (root) => {
      const [top] = find(join(root, '_delta_log'), /checkpoint.*json$/)
      rewrite(inLog(root, top!), (bytes) => change(bytes.toString()))
    })
  }
  for (const [name, text] of [
    ['empty', ''],
    ['no JSON', '{{{'],
    ['NUL', '\0\0'],
    ['another range', '{"add":{"path":"x.parquet"}}\n'],
    ['deep', '['.repeat(90_000)],
  ] as const) {
    add(`compaction: ${name}`, 'compacted', name === 'another range' || name === 'empty' ? 'anything' : 'same', (root) => {
      for (const old of find(join(root, '_delta_log'), /checkpoint/)) rmSync(inLog(root, old))
      writeFileSync(inLog(root, find(join(root, '_delta_log'), /compacted/)[0]!), text)
    })
  }
  for (let n = 0; n < flips; n += 1) {
    const table = (['events', 'cleaned', 'parts', 'sidecars', 'jsonTop', 'compacted'] as const)[n % 6]!
    add(`derived: bits flipped ${n}`, table, 'anything', (root, random) => {
      const folder = n % 12 < 6 || !readdirSync(inLog(root, '')).includes('_sidecars') ? inLog(root, '') : inLog(root, '_sidecars')
      for (const name of find(folder, /checkpoint|^0[ab]|compacted|crc$/))
        rewrite(join(folder, name), (bytes) => flip(bytes, random, 1 + random.below(6)))
    })
    add(`checkpoint: cut ${n}`, table, tables[table] < 0 ? 'same' : 'same or refused', (root, random) => {
      for (const name of find(inLog(root, ''), /checkpoint\..*parquet$/))
        truncateSync(inLog(root, name), random.below(readFileSync(inLog(root, name)).length))
    })
  }
  return damages
}

const sidecarNames: readonly (readonly [string, (source: string) => string])[] = [
  ['..', () => '".."'],
  ['climbs', () => '"../../../bait/bait.parquet"'],
  ['climbs, encoded', () => '"..%2F..%2F..%2Fbait%2Fbait.parquet"'],
  ['climbs to passwd', () => '"../../../../../etc/passwd"'],
  ['absolute', (source) => JSON.stringify(`${source}/bait/bait.parquet`)],
  ['file:', (source) => JSON.stringify(`file://${source}/bait/bait.parquet`)],
  ['another store', () => '"s3://bucket/x.parquet"'],
  ['http', () => '"http://127.0.0.1:9/x.parquet"'],
  ['a pattern', () => '"*.parquet"'],
  ['a number', () => '7'],
  ['a list', () => '[]'],
  ['empty', () => '""'],
  ['null', () => 'null'],
  ['NUL', () => '"a\\u0000b.parquet"'],
  ['long', () => `"${'x'.repeat(5000)}.parquet"`],
  ['backslash', () => '"..\\\\..\\\\bait.parquet"'],
]

const tops: readonly (readonly [string, (text: string) => string | Uint8Array])[] = [
  ['empty', () => ''],
  ['cut', (text) => text.slice(0, text.length / 2)],
  ['no JSON', () => '<html>'],
  ['NUL', () => Buffer.alloc(500)],
  ['deep', (text) => `${text}{"x":${'['.repeat(100_000)}${']'.repeat(100_000)}}\n`],
  ['no protocol', (text) => text.replace(/.*"protocol".*\n/, '')],
  ['no metaData', (text) => text.replace(/.*"metaData".*\n/, '')],
  ['protocol of wrong types', (text) => text.replace(/.*"protocol".*\n/, '{"protocol":[]}\n')],
  [
    'metaData of wrong types',
    (text) => text.replace(/.*"metaData".*\n/, '{"metaData":{"schemaString":{},"partitionColumns":7,"configuration":[]}}\n'),
  ],
  ['sidecar of wrong types', (text) => text.replace(/"sidecar":\{/, '"sidecar":[{').replace(/\}\}\n(?=[^\n]*$)/, '}]}\n')],
  ['a list', (text) => `[${text.trim().split('\n').join(',')}]`],
  ['an unknown action', (text) => `${text}{"someday":1}\n`],
]
