/** Damaged commits: lines and bytes that are not what they were, and JSON that is none, or of a shape nobody wrote. */
import type { Random } from '../random.ts'
import { asText, type Damage, dropDerived, editAction, editCommit, flip, withRaw } from './damage.ts'

const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const deepObject = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`

/** How the lines of a commit can be laid out; `same` where that changes nothing. */
const layouts: readonly (readonly [string, Damage['allowed'], (lines: string[], random: Random) => string | Uint8Array])[] = [
  ['lines swapped', 'same', (lines) => asText(lines.toReversed())],
  ['lines shuffled', 'same', (lines, random) => asText(lines.toSorted(() => random.below(3) - 1))],
  ['a line twice', 'same', (lines) => asText([...lines, lines.at(-1)!])],
  ['every line twice', 'same', (lines) => asText([...lines, ...lines])],
  ['no last newline', 'same', (lines) => asText(lines).trimEnd()],
  ['blank lines', 'same', (lines) => asText(lines.flatMap((line) => ['', line, '  ']))],
  ['CRLF', 'same', (lines) => lines.map((line) => `${line}\r\n`).join('')],
  ['BOM', 'same or refused', (lines) => `\ufeff${asText(lines)}`],
  ['an unknown action', 'same', (lines) => asText([...lines, '{"someday":{"path":"x"}}'])],
  ['an empty action', 'same', (lines) => asText([...lines, '{}'])],
  ['cut in a line', 'same or refused', (lines) => asText(lines).slice(0, -40)],
  ['cut in a character', 'same or refused', (lines) => Buffer.from(asText([...lines, '{"a":"é"}'])).subarray(0, -4)],
  ['empty', 'anything', () => ''],
  ['one newline', 'anything', () => '\n'],
  ['all NUL', 'counts', (lines) => Buffer.alloc(asText(lines).length)],
  ['NUL at the end', 'same or refused', (lines) => `${asText(lines)}\0\0\0\0`],
  ['NUL between lines', 'same or refused', (lines) => lines.join('\n\0\n')],
  ['UTF-16', 'counts', (lines) => Buffer.from(asText(lines), 'utf16le')],
  ['one array', 'same or refused', (lines) => `[${lines.join(',')}]`],
  ['no newlines', 'same or refused', (lines) => lines.join('')],
  ['a line that is a number', 'same or refused', (lines) => asText([...lines, '42'])],
  ['a line that is text', 'same or refused', (lines) => asText([...lines, '"add"'])],
  ['a line that is null', 'same or refused', (lines) => asText([...lines, 'null'])],
  ['a line that is no JSON', 'same or refused', (lines) => asText([...lines, '<html>'])],
  ['a line with a comma too many', 'same or refused', (lines) => asText([...lines, '{"commitInfo":{},}'])],
  [
    'bytes that are no UTF-8',
    'same or refused',
    (lines) => Buffer.concat([Buffer.from(asText(lines)), Buffer.from([0x22, 0xff, 0xfe, 0x22, 10])]),
  ],
  ['deep JSON in an unknown action', 'same or refused', (lines) => asText([...lines, `{"x":${deep(100_000)}}`])],
  ['deep JSON in an add', 'same or refused', (lines) => asText([...lines, `{"add":${deepObject(100_000)}}`])],
  [
    'deep JSON in a commitInfo',
    'counts',
    (lines) => asText([`{"commitInfo":{"operationParameters":${deepObject(20_000)}}}`, ...lines.slice(1)]),
  ],
  ['deep JSON that is not closed', 'same or refused', (lines) => asText([...lines, '{"add":'.repeat(100_000)])],
  ['deep JSON with long numbers', 'same or refused', (lines) => asText([...lines, `{"x":[12345678901234567890,${deep(50_000)}]}`])],
  ['a long line', 'same', (lines) => asText([...lines, `{"x":"${'y'.repeat(20 << 20)}"}`])],
  [
    'two adds in one line',
    'same or refused',
    (lines) => asText([...lines.slice(0, -1), lines.at(-1)!.replace(/^\{/, '{"remove":{"path":"gone.parquet","dataChange":true},')]),
  ],
  [
    'a key twice',
    'anything',
    (lines) => asText([...lines.slice(0, -1), lines.at(-1)!.replace('{"add":{', '{"add":{"path":"other.parquet",')]),
  ],
  ['__proto__', 'same or refused', (lines) => asText([...lines, '{"__proto__":{"add":{"path":"x"}},"constructor":{"prototype":1}}'])],
  ['an add that is null', 'same', (lines) => asText([...lines, '{"add":null,"remove":null}'])],
  ['an add that is text', 'same or refused', (lines) => asText([...lines, '{"add":"part.parquet"}'])],
  ['an add that is a list', 'same or refused', (lines) => asText([...lines, '{"add":[]}'])],
  ['an add that is empty', 'same or refused', (lines) => asText([...lines, '{"add":{}}'])],
  ['a commitInfo that is a number', 'counts', (lines) => asText(['{"commitInfo":7}', ...lines.slice(1)])],
  [
    'a commitInfo of wrong types',
    'counts',
    (lines) =>
      asText([
        '{"commitInfo":{"operation":5,"operationParameters":"x","operationMetrics":[1],"inCommitTimestamp":"soon","txnId":{},"engineInfo":[],"varve":"yes","timestamp":1e999}}',
        ...lines.slice(1),
      ]),
  ],
  ['a txn of wrong types', 'same or refused', (lines) => asText([...lines, '{"txn":{"appId":{"a":1},"version":"x","lastUpdated":[]}}'])],
  ['a txn that is a list', 'same or refused', (lines) => asText([...lines, '{"txn":[1]}'])],
  [
    'a domain of wrong types',
    'same or refused',
    (lines) => asText([...lines, '{"domainMetadata":{"domain":7,"configuration":{},"removed":"no"}}']),
  ],
  ['a commit of another table', 'anything', (lines) => asText(lines.map((line) => line.replaceAll(/part-[0-9a-f]{8}/g, 'part-00000000')))],
]

/** Values of an add that are of a wrong type or out of range, as they stand in JSON. */
const fields: readonly (readonly [string, string, Damage['allowed']])[] = [
  ['path', '17', 'counts'],
  ['path', 'null', 'same or refused'],
  ['path', '""', 'counts'],
  ['path', '["a.parquet"]', 'counts'],
  ['path', '"\\ud800.parquet"', 'same or refused'],
  ['path', `"${'a/'.repeat(3000)}b.parquet"`, 'counts'],
  ['path', '"%"', 'counts'],
  ['path', '"%ff%fe.parquet"', 'counts'],
  ['size', '"1806"', 'same or refused'],
  ['size', '-1', 'counts'],
  ['size', '1e400', 'same or refused'],
  ['size', '9223372036854775808', 'same or refused'],
  ['size', '18446744073709551616000', 'same or refused'],
  ['size', '1.5', 'counts'],
  ['size', 'null', 'same or refused'],
  ['size', '{}', 'same or refused'],
  ['modificationTime', '"x"', 'same or refused'],
  ['modificationTime', '-9223372036854775808', 'same or refused'],
  ['modificationTime', '9e99', 'same or refused'],
  ['partitionValues', '[]', 'anything'],
  ['partitionValues', '"day=1"', 'anything'],
  ['partitionValues', 'null', 'anything'],
  ['partitionValues', '{}', 'anything'],
  ['partitionValues', '{"day":"never"}', 'counts'],
  ['partitionValues', '{"day":20260101}', 'anything'],
  ['partitionValues', '{"day":{"a":1}}', 'counts'],
  ['partitionValues', '{"__proto__":"2026-01-01"}', 'anything'],
  ['partitionValues', '{"day":"2026-01-01\' OR 1=1 --"}', 'counts'],
  ['partitionValues', '{"day":"2026\\u0000"}', 'counts'],
  ['dataChange', '"maybe"', 'same or refused'],
  ['stats', '{"numRecords":10}', 'counts'],
  ['stats', '"{"', 'counts'],
  ['stats', '"null"', 'counts'],
  ['stats', '"[]"', 'counts'],
  ['stats', '7', 'counts'],
  ['stats', '"{\\"numRecords\\":\\"ten\\"}"', 'counts'],
  ['stats', '"{\\"numRecords\\":-5}"', 'counts'],
  ['stats', '"{\\"numRecords\\":1e300}"', 'counts'],
  ['stats', '"{\\"numRecords\\":99999999999999999999999}"', 'counts'],
  ['stats', '"{\\"numRecords\\":10,\\"minValues\\":5,\\"maxValues\\":\\"x\\",\\"nullCount\\":[]}"', 'counts'],
  [
    'stats',
    '"{\\"numRecords\\":10,\\"minValues\\":{\\"id\\":\\"x\\"},\\"maxValues\\":{\\"id\\":{}},\\"nullCount\\":{\\"id\\":\\"y\\"}}"',
    'counts',
  ],
  ['stats', JSON.stringify(`{"numRecords":10,"minValues":${deepObject(30_000)}}`), 'counts'],
  ['stats', '"{\\"numRecords\\":10,\\"minValues\\":{\\"id\\":900},\\"maxValues\\":{\\"id\\":901}}"', 'anything'],
  ['tags', '"none"', 'same or refused'],
  ['deletionVector', '"yes"', 'same or refused'],
  ['deletionVector', '{"storageType":"z","pathOrInlineDv":"x","sizeInBytes":4,"cardinality":1}', 'counts'],
  ['deletionVector', '{}', 'counts'],
  ['deletionVector', '{"storageType":7,"pathOrInlineDv":[],"offset":"x","sizeInBytes":-4,"cardinality":1e99}', 'same or refused'],
  ['baseRowId', '"x"', 'same or refused'],
]

const removes: readonly (readonly [string, string])[] = [
  ['path number', '{"path":5,"dataChange":true}'],
  ['no path', '{"dataChange":true}'],
  ['a list', '[]'],
  ['wrong types', '{"path":"gone.parquet","deletionTimestamp":"x","size":"y","partitionValues":[1],"stats":{},"deletionVector":[]}'],
]

/** All of them; a few bytes are flipped in `flips` more. */
export function commitDamages(flips: number): Damage[] {
  const damages: Damage[] = layouts.map(([name, allowed, change]) => ({
    name: `commit: ${name}`,
    table: 'events',
    allowed,
    apply: (root, random) => {
      if (random.below(2) === 0) dropDerived(root)
      editCommit(root, 5, (lines) => change(lines, random))
    },
  }))
  for (const [at, [key, raw, allowed]] of fields.entries()) {
    damages.push({
      name: `add: ${key} ${raw.slice(0, 40)}`,
      table: at % 2 === 0 ? 'events' : 'cleaned',
      allowed,
      apply: (root) => editAction(root, 5, 'add', (add) => withRaw(add, key, raw)),
    })
  }
  for (const [name, raw] of removes) {
    damages.push({
      name: `remove: ${name}`,
      table: 'events',
      allowed: 'same or refused',
      apply: (root) => {
        dropDerived(root)
        editCommit(root, 4, (lines) => asText([...lines, `{"remove":${raw}}`]))
      },
    })
  }
  for (let n = 0; n < flips; n += 1) {
    damages.push({
      name: `commit: bits flipped ${n}`,
      table: n % 2 === 0 ? 'events' : 'feed',
      allowed: 'anything',
      apply: (root, random) => editCommit(root, n % 3, (lines) => flip(Buffer.from(asText(lines)), random, 1 + random.below(4))),
    })
    damages.push({
      name: `commit: cut ${n}`,
      table: 'cleaned',
      allowed: 'anything',
      apply: (root, random) => editCommit(root, 5, (lines) => Buffer.from(asText(lines)).subarray(0, random.below(asText(lines).length))),
    })
  }
  return damages
}
