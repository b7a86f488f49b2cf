/** Damaged protocol and metadata actions. */
import { asText, type Damage, dropDerived, editAction, editCommit, withRaw } from './damage.ts'

const protocols: readonly string[] = [
  '{}',
  'null',
  '[]',
  '"3,7"',
  '{"minReaderVersion":99,"minWriterVersion":99}',
  '{"minReaderVersion":-1,"minWriterVersion":2}',
  '{"minReaderVersion":1.5,"minWriterVersion":2}',
  '{"minReaderVersion":"1","minWriterVersion":"2"}',
  '{"minReaderVersion":9007199254740993,"minWriterVersion":7}',
  '{"minReaderVersion":1e999,"minWriterVersion":7}',
  '{"minReaderVersion":3,"minWriterVersion":7}',
  '{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":"deletionVectors","writerFeatures":["deletionVectors"]}',
  '{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":{"deletionVectors":true},"writerFeatures":{}}',
  '{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":[1,null,{}],"writerFeatures":[[]]}',
  '{"minReaderVersion":3,"minWriterVersion":7,"readerFeatures":["noSuchFeature"],"writerFeatures":["noSuchFeature"]}',
  '{"minReaderVersion":3,"minWriterVersion":2,"readerFeatures":["deletionVectors"]}',
]

const fields = '{"name":"id","type":"long","nullable":true,"metadata":{}},{"name":"name","type":"string","nullable":true,"metadata":{}}'
const deepType = (levels: number) => `${'{"type":"array","containsNull":true,"elementType":'.repeat(levels)}"long"${'}'.repeat(levels)}`
const structOf = (inner: string) => `{"type":"struct","fields":[${inner}]}`
const column = (type: string, name = 'id') => structOf(`{"name":${JSON.stringify(name)},"type":${type},"nullable":true,"metadata":{}}`)

/** Schemas that are none; each as the text of `schemaString`. */
const schemas: readonly string[] = [
  '',
  '{',
  'null',
  '"long"',
  '[]',
  '{"type":"struct"}',
  '{"type":"struct","fields":{}}',
  structOf(''),
  structOf('null'),
  structOf('{"name":7,"type":"long","nullable":true,"metadata":{}}'),
  structOf('{"type":"long","nullable":true,"metadata":{}}'),
  structOf(`${fields},{"name":"id","type":"string","nullable":true,"metadata":{}}`),
  structOf(`${fields},{"name":"ID","type":"string","nullable":true,"metadata":{}}`),
  column('"money"'),
  column('"decimal(39,2)"'),
  column('"decimal(5,9)"'),
  column('"decimal(999999999999999999999,0)"'),
  column('{"type":"udt"}'),
  column('{"type":"array"}'),
  column('{"type":"map","keyType":"string"}'),
  column('{"type":"struct","fields":[]}'),
  column('7'),
  column('"long"', ''),
  column('"long"', 'a\u0000b'),
  structOf(`${fields},{"name":"__proto__","type":"long","nullable":true,"metadata":{}}`),
  structOf(`${fields},{"name":"x\\"); DROP TABLE t; --","type":"long","nullable":true,"metadata":{}}`),
  structOf('{"name":"id","type":"long","nullable":"yes","metadata":{}}'),
  structOf('{"name":"id","type":"long","nullable":true,"metadata":[]}'),
  structOf('{"name":"id","type":"long","nullable":true,"metadata":{"delta.columnMapping.id":"x","delta.columnMapping.physicalName":7}}'),
  column(deepType(300)),
  column(deepType(20_000)),
  '[['.repeat(50_000),
]

const metadata: readonly (readonly [string, string])[] = [
  ['schemaString', '7'],
  ['schemaString', 'null'],
  ['schemaString', '{"type":"struct","fields":[]}'],
  ['partitionColumns', '["nowhere"]'],
  ['partitionColumns', '["address"]'],
  ['partitionColumns', '["day","day"]'],
  ['partitionColumns', '"day"'],
  ['partitionColumns', '[7]'],
  ['partitionColumns', '{}'],
  ['configuration', '[]'],
  ['configuration', '"x"'],
  ['configuration', '{"delta.columnMapping.mode":"sideways"}'],
  ['configuration', '{"delta.columnMapping.mode":"id"}'],
  ['configuration', '{"delta.columnMapping.mode":7,"delta.checkpointInterval":{},"delta.deletedFileRetentionDuration":[]}'],
  [
    'configuration',
    '{"delta.checkpointInterval":"-1","delta.enableInCommitTimestamps":"true","delta.inCommitTimestampEnablementVersion":"1e99"}',
  ],
  ['configuration', '{"delta.inCommitTimestampEnablementVersion":"-5","delta.enableInCommitTimestamps":"true"}'],
  ['configuration', '{"delta.logRetentionDuration":"interval forever","delta.deletedFileRetentionDuration":"x"}'],
  ['format', '{"provider":"csv"}'],
  ['format', 'null'],
  ['format', '"parquet"'],
  ['id', '7'],
  ['id', 'null'],
]

/** All of them, in a commit that nothing but the commits themselves tells of. */
export function groundDamages(): Damage[] {
  const damages: Damage[] = []
  const add = (name: string, apply: (root: string) => void) =>
    damages.push({
      name,
      table: damages.length % 2 === 0 ? 'vectors' : 'mapped',
      allowed: 'anything',
      apply: (root) => {
        dropDerived(root)
        apply(root)
      },
    })
  for (const raw of protocols) add(`protocol: ${raw}`, (root) => editAction(root, 0, 'protocol', () => raw))
  for (const text of schemas) {
    add(`schema: ${text.slice(0, 60)}`, (root) => editAction(root, 0, 'metaData', (action) => ({ ...action, schemaString: text })))
  }
  for (const [key, raw] of metadata) {
    add(`metaData: ${key} ${raw.slice(0, 60)}`, (root) => editAction(root, 0, 'metaData', (action) => withRaw(action, key, raw)))
  }
  add('metaData: gone', (root) => editCommit(root, 0, (lines) => asText(lines.filter((line) => !line.startsWith('{"metaData"')))))
  add('protocol: gone', (root) => editCommit(root, 0, (lines) => asText(lines.filter((line) => !line.startsWith('{"protocol"')))))
  return damages
}
