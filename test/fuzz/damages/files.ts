/** Damaged data files and deletion vectors, and paths that lead elsewhere. */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { vectorBytes, vectorFile } from '../../support/vectors.ts'
import { lyingFooters } from '../lying-footer.ts'
import type { Random } from '../random.ts'
import { type Allowed, type Damage, editAction, editCommit, flip, rewrite } from './damage.ts'

const dataFiles = (root: string) =>
  (readdirSync(root, { recursive: true }) as string[]).filter((name) => /^(day=[^/]*\/)?[^/]*\.parquet$/.test(name)).sort()

/** Paths by which a log may name the bait. `$BAIT` is its folder. */
const paths: readonly string[] = [
  '../../etc/passwd',
  '../bait/bait.parquet',
  '../../src/bait/bait.parquet',
  '../../../src/bait/bait.parquet',
  '..%2F..%2Fsrc%2Fbait%2Fbait.parquet',
  '%2e%2e/%2e%2e/src/bait/bait.parquet',
  '%252e%252e/%252e%252e/src/bait/bait.parquet',
  'day=1/../../../src/bait/bait.parquet',
  './.././../src/bait/bait.parquet',
  '..\\..\\src\\bait\\bait.parquet',
  '$BAIT/bait.parquet',
  'file://$BAIT/bait.parquet',
  'file:$BAIT/bait.parquet',
  'FILE://$BAIT/bait.parquet',
  'file://localhost$BAIT/bait.parquet',
  'file:///../../..$BAIT/bait.parquet',
  'file:../../src/bait/bait.parquet',
  '/$BAIT/bait.parquet',
  '/proc/self/environ',
  '/dev/zero',
  '/dev/stdin',
  's3://bucket/bait.parquet',
  'http://127.0.0.1:9/bait.parquet',
  'hf://datasets/x/y.parquet',
  'abfss://a@b/c.parquet',
  'memory://x/y',
  'c:\\bait.parquet',
  '*.parquet',
  '**/*.parquet',
  'day=*/part-*.parquet',
  '[a-z]*',
  '.',
  '..',
  '/',
  '_delta_log',
  'day=2026-01-01',
  'x\u0000.parquet',
  'x%00.parquet',
  '~/bait.parquet',
  "x'); ATTACH '/tmp/x.db'; --.parquet",
]

const vectors: readonly (readonly [string, Record<string, unknown>])[] = [
  ['cardinality too large', { cardinality: 4000 }],
  ['cardinality too small', { cardinality: 1 }],
  ['cardinality negative', { cardinality: -4 }],
  ['cardinality beyond all', { cardinality: Number.MAX_SAFE_INTEGER }],
  ['cardinality text', { cardinality: 'x' }],
  ['size too large', { sizeInBytes: 1 << 30 }],
  ['size beyond 32 bits', { sizeInBytes: 2 ** 40 }],
  ['size zero', { sizeInBytes: 0 }],
  ['size negative', { sizeInBytes: -8 }],
  ['offset beyond the file', { offset: 1_000_000_000 }],
  ['offset negative', { offset: -1 }],
  ['offset of nothing', { offset: 7 }],
  ['no path', { pathOrInlineDv: undefined }],
  ['path empty', { pathOrInlineDv: '' }],
  ['path of other letters', { pathOrInlineDv: '~~~~~~~~~~~~~~~~~~~~' }],
  ['path too short', { pathOrInlineDv: 'ab' }],
  ['prefix climbs', { pathOrInlineDv: '../../src/bait^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L' }],
  ['type unknown', { storageType: 'q' }],
  ['absolute, climbs', { storageType: 'p', pathOrInlineDv: '../../src/bait/bait.bin', offset: 1 }],
  ['absolute, outside', { storageType: 'p', pathOrInlineDv: '$BAIT/bait.bin', offset: 1 }],
  ['absolute, file:', { storageType: 'p', pathOrInlineDv: 'file://$BAIT/bait.bin', offset: 1 }],
  ['absolute, a device', { storageType: 'p', pathOrInlineDv: '/dev/zero', offset: 1 }],
  ['absolute, another store', { storageType: 'p', pathOrInlineDv: 's3://x/y.bin', offset: 1 }],
  [
    'inline garbage',
    { storageType: 'i', pathOrInlineDv: 'wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L', offset: undefined, sizeInBytes: 40 },
  ],
  ['inline, not by fives', { storageType: 'i', pathOrInlineDv: 'abcdefg', offset: undefined }],
]

/** Bitmaps that lie, with the right checksum over them. */
const bitmaps: readonly (readonly [string, (bitmap: Buffer) => void])[] = [
  ['magic', (bitmap) => bitmap.writeUInt32LE(1, 0)],
  ['count of bitmaps', (bitmap) => bitmap.writeBigUInt64LE(0xffff_ffff_ffffn, 4)],
  ['no bitmaps', (bitmap) => bitmap.writeBigUInt64LE(0n, 4)],
  ['key', (bitmap) => bitmap.writeUInt32LE(0xffff_ffff, 12)],
  ['cookie', (bitmap) => bitmap.writeUInt32LE(0, 16)],
  ['cookie of runs', (bitmap) => bitmap.writeUInt32LE(0xffff_303b, 16)],
  ['count of containers', (bitmap) => bitmap.writeUInt32LE(0xffff_ffff, 20)],
  ['size of a container', (bitmap) => bitmap.writeUInt16LE(0xffff, 26)],
  ['rows beyond the file', (bitmap) => bitmap.writeUInt16LE(60_000, bitmap.length - 2)],
  ['rows out of order', (bitmap) => bitmap.writeUInt16LE(0, bitmap.length - 2)],
]

/** All of them; bits are flipped and files cut in `flips` more. */
export function fileDamages(flips: number): Damage[] {
  const damages: Damage[] = []
  const add = (name: string, table: Damage['table'], allowed: Allowed, apply: Damage['apply']) =>
    damages.push({ name, table, allowed, apply })
  for (const [at, path] of paths.entries()) {
    const key = at % 3 === 0 ? 'cleaned' : at % 3 === 1 ? 'events' : 'mapped'
    add(`path: ${path}`, key, 'counts', (root, _, source) => {
      const bait = path.replaceAll('$BAIT', join(source, 'bait'))
      editAction(root, key === 'mapped' ? 2 : 5, 'add', (action) => ({ ...action, path: bait }))
    })
    if (at % 4 === 0) {
      add(`path of a change: ${path}`, 'feed', 'same or refused', (root, _, source) =>
        editAction(root, 3, 'cdc', (action) => ({ ...action, path: path.replaceAll('$BAIT', join(source, 'bait')) })),
      )
    }
  }
  const some = (change: (path: string, source: string, random: Random) => void) => (root: string, random: Random, source: string) => {
    const files = dataFiles(root)
    change(join(root, files[random.below(files.length)]!), source, random)
  }
  for (const table of ['events', 'mapped', 'vectors'] as const) {
    add(
      `data of ${table}: gone`,
      table,
      'same or refused',
      some((path) => rmSync(path)),
    )
    add(
      `data of ${table}: empty`,
      table,
      'same or refused',
      some((path) => writeFileSync(path, '')),
    )
    add(
      `data of ${table}: text`,
      table,
      'same or refused',
      some((path) => writeFileSync(path, 'PAR1 no PAR1')),
    )
    add(
      `data of ${table}: only magic`,
      table,
      'same or refused',
      some((path) => writeFileSync(path, 'PAR1PAR1')),
    )
    add(
      `data of ${table}: zeros`,
      table,
      'same or refused',
      some((path) => rewrite(path, (bytes) => Buffer.alloc(bytes.length))),
    )
    add(
      `data of ${table}: foreign`,
      table,
      'anything',
      some((path, source) => cpSync(join(source, 'bait', 'foreign.parquet'), path)),
    )
    add(
      `data of ${table}: other types`,
      table,
      'anything',
      some((path, source) => cpSync(join(source, 'bait', 'other-types.parquet'), path)),
    )
    for (const [name, lie] of lyingFooters)
      add(
        `data of ${table}: ${name}`,
        table,
        'anything',
        some((path) => rewrite(path, lie)),
      )
  }
  add(
    'data: a folder',
    'events',
    'same or refused',
    some((path) => {
      rmSync(path)
      mkdirSync(path)
    }),
  )
  for (const [name, change] of vectors) {
    add(`vector: ${name}`, 'vectors', 'counts', (root, _, source) =>
      editCommit(root, 4, (lines) => {
        const at = lines.findIndex((line) => line.includes('"storageType":"u"'))
        const { add } = JSON.parse(lines[at]!)
        const text = JSON.stringify({ add: { ...add, deletionVector: { ...add.deletionVector, ...change } } })
        lines[at] = text.replaceAll('$BAIT', join(source, 'bait'))
        return lines.map((line) => `${line}\n`).join('')
      }),
    )
  }
  const vectorName = (root: string) => join(root, readdirSync(root).find((name) => name.startsWith('deletion_vector'))!)
  for (const [name, lie] of bitmaps) {
    add(`vector file: ${name}`, 'vectors', 'same or refused', (root) => {
      const bitmap = vectorBytes([1, 3, 5, 7])
      lie(bitmap)
      writeFileSync(vectorName(root), vectorFile([], bitmap))
    })
  }
  const vectorFiles: readonly (readonly [string, (bytes: Buffer) => Uint8Array])[] = [
    ['empty', () => new Uint8Array()],
    ['cut', (bytes) => bytes.subarray(0, 20)],
    ['sum', (bytes) => Buffer.concat([bytes.subarray(0, -1), Buffer.from([bytes.at(-1)! ^ 1])])],
    ['version', (bytes) => Buffer.concat([Buffer.from([9]), bytes.subarray(1)])],
    ['size', (bytes) => Buffer.concat([bytes.subarray(0, 1), Buffer.from([0x7f, 0xff, 0xff, 0xff]), bytes.subarray(5)])],
  ]
  for (const [name, change] of vectorFiles) {
    add(`vector file: ${name}`, 'vectors', name === 'version' ? 'same or refused' : 'same or refused', (root) =>
      rewrite(vectorName(root), change),
    )
  }
  add('vector file: gone', 'vectors', 'same or refused', (root) => rmSync(vectorName(root)))
  for (let n = 0; n < flips; n += 1) {
    const table = (['events', 'mapped', 'vectors', 'feed'] as const)[n % 4]!
    add(
      `data: cut ${n}`,
      table,
      'same or refused',
      some((path, _, random) => truncateSync(path, random.below(readFileSync(path).length))),
    )
    add(
      `data: bits flipped ${n}`,
      table,
      'anything',
      some((path, _, random) => rewrite(path, (bytes) => flip(bytes, random, 1 + random.below(8)))),
    )
    add(
      `data: footer flipped ${n}`,
      table,
      'anything',
      some((path, _, random) =>
        rewrite(path, (bytes) =>
          flip(bytes, random, 1 + random.below(3), Math.max(0, bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8)), bytes.length),
        ),
      ),
    )
    add(`vector: bits flipped ${n}`, 'vectors', 'same or refused', (root, random) =>
      rewrite(vectorName(root), (bytes) => flip(bytes, random, 1 + random.below(3), 5)),
    )
  }
  return damages
}
