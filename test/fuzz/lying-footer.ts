/** Parquet files whose footer or page headers tell what is not so. */
import { type Field, type List, readStruct, type Struct, type Value, writeStruct } from './thrift.ts'

/** A lie: its name, and the file's bytes with it. */
export type Lie = readonly [name: string, tell: (file: Buffer) => Buffer]

// The fields of the footer by the numbers that Parquet's definition gives them.
const [SCHEMA, ROWS, GROUPS] = [2, 3, 4]
const group = { columns: 1, rows: 3 }
const chunk = { file: 1, metadata: 3 }
const column = { type: 1, path: 3, codec: 4, values: 5, uncompressed: 6, compressed: 7, data: 9, dictionary: 11 }
const element = { type: 1, repetition: 3, name: 4, children: 5, converted: 6 }
const i64 = 6
const binary = 8

const struct = (value: Value) => value as Struct
const items = (value: Value) => (value as List).items
const get = (of: Struct, id: number): Value => of.fields.find((field) => field.id === id)?.value
const set = (of: Struct, id: number, value: Value, type = i64): void => {
  const field = of.fields.find((one) => one.id === id)
  if (field) field.value = value
  else {
    of.fields.push({ id, type, value } satisfies Field)
    of.fields.sort((a, b) => a.id - b.id)
  }
}

function footer(change: (metadata: Struct) => void): Lie[1] {
  return (file) => {
    const length = file.readUInt32LE(file.length - 8)
    const start = file.length - 8 - length
    const { struct: metadata } = readStruct(file, start)
    change(metadata)
    const written = writeStruct(metadata)
    const tail = Buffer.alloc(4)
    tail.writeUInt32LE(written.length)
    return Buffer.concat([file.subarray(0, start), written, tail, Buffer.from('PAR1')])
  }
}

const each = <T>(list: readonly T[], change: (one: T) => unknown): void => {
  for (const one of list) change(one)
}
const groups = (metadata: Struct) => items(get(metadata, GROUPS)).map(struct)
const chunks = (metadata: Struct) => groups(metadata).flatMap((one) => items(get(one, group.columns)).map(struct))
const columns = (metadata: Struct) => chunks(metadata).map((one) => struct(get(one, chunk.metadata)))
const elements = (metadata: Struct) => items(get(metadata, SCHEMA)).map(struct)

/** Gives a field of every column chunk another value. */
const every = (id: number, value: Value) =>
  footer((metadata) => {
    for (const one of columns(metadata)) if (get(one, id) !== undefined) set(one, id, value)
  })

const length =
  (bytes: number): Lie[1] =>
  (file) => {
    const lying = Buffer.from(file)
    lying.writeUInt32LE(bytes, file.length - 8)
    return lying
  }

/** Changes the header of the first page; what follows it stays, so offsets behind it lie too. */
function page(change: (header: Struct) => void): Lie[1] {
  return (file) => {
    const start = file.length - 8 - file.readUInt32LE(file.length - 8)
    const first = columns(readStruct(file, start).struct)[0]!
    const at = Number(get(first, column.dictionary) ?? get(first, column.data))
    const { struct: header, end } = readStruct(file, at)
    change(header)
    return Buffer.concat([file.subarray(0, at), writeStruct(header), file.subarray(end)])
  }
}

/** All lies. */
export const lyingFooters: readonly Lie[] = [
  ['footer: length beyond the file', length(0x7fff_fff0)],
  ['footer: length of all bits', length(0xffff_ffff)],
  ['footer: no length', length(0)],
  ['footer: one byte short', (file) => length(file.readUInt32LE(file.length - 8) - 1)(file)],
  ['footer: said to be encrypted', (file) => Buffer.concat([file.subarray(0, -4), Buffer.from('PARE')])],
  ['footer: only itself', (file) => file.subarray(file.length - 8 - file.readUInt32LE(file.length - 8))],
  ['rows: beyond all', footer((metadata) => set(metadata, ROWS, 2n ** 62n))],
  ['rows: negative', footer((metadata) => set(metadata, ROWS, -1n))],
  ['rows: one more', footer((metadata) => set(metadata, ROWS, (get(metadata, ROWS) as bigint) + 1n))],
  ['rows of a group: beyond all', footer((metadata) => each(groups(metadata), (one) => set(one, group.rows, 2n ** 62n)))],
  ['rows of a group: a million', footer((metadata) => each(groups(metadata), (one) => set(one, group.rows, 1_000_000n)))],
  ['rows of a group: negative', footer((metadata) => each(groups(metadata), (one) => set(one, group.rows, -7n)))],
  ['groups: none', footer((metadata) => items(get(metadata, GROUPS)).splice(0))],
  ['groups: twice', footer((metadata) => items(get(metadata, GROUPS)).push(...items(get(metadata, GROUPS))))],
  ['groups: without columns', footer((metadata) => each(groups(metadata), (one) => items(get(one, group.columns)).splice(0)))],
  ['groups: a column less', footer((metadata) => each(groups(metadata), (one) => items(get(one, group.columns)).pop()))],
  [
    'chunk: in another file',
    footer((metadata) => each(chunks(metadata), (one) => set(one, chunk.file, Buffer.from('../../src/bait/bait.parquet'), binary))),
  ],
  ['chunk: pages beyond the file', every(column.data, 1n << 40n)],
  ['chunk: pages before the file', every(column.data, -5n)],
  [
    'chunk: pages in the footer',
    footer((metadata) => each(columns(metadata), (one) => set(one, column.data, get(columns(metadata).at(-1)!, column.data)!))),
  ],
  ['chunk: dictionary beyond the file', footer((metadata) => each(columns(metadata), (one) => set(one, column.dictionary, 1n << 41n)))],
  ['chunk: compressed beyond all', every(column.compressed, 1n << 50n)],
  ['chunk: compressed negative', every(column.compressed, -1n)],
  ['chunk: uncompressed beyond all', every(column.uncompressed, 1n << 60n)],
  ['chunk: values beyond all', every(column.values, 1n << 60n)],
  ['chunk: values negative', every(column.values, -9n)],
  ['chunk: codec unknown', every(column.codec, 99n)],
  ['chunk: codec another', every(column.codec, 2n)],
  ['chunk: type another', every(column.type, 6n)],
  ['chunk: type unknown', every(column.type, 77n)],
  [
    'schema: type another',
    footer((metadata) => each(elements(metadata), (one) => get(one, element.type) !== undefined && set(one, element.type, 6n))),
  ],
  [
    'schema: type unknown',
    footer((metadata) => each(elements(metadata), (one) => get(one, element.type) !== undefined && set(one, element.type, 50n))),
  ],
  ['schema: repetition unknown', footer((metadata) => each(elements(metadata).slice(1), (one) => set(one, element.repetition, 9n)))],
  ['schema: all repeated', footer((metadata) => each(elements(metadata).slice(1), (one) => set(one, element.repetition, 2n)))],
  ['schema: children beyond all', footer((metadata) => set(elements(metadata)[0]!, element.children, 1_000_000_000n))],
  ['schema: children negative', footer((metadata) => set(elements(metadata)[0]!, element.children, -3n))],
  ['schema: no children', footer((metadata) => set(elements(metadata)[0]!, element.children, 0n))],
  ['schema: empty', footer((metadata) => items(get(metadata, SCHEMA)).splice(0))],
  ['schema: names all alike', footer((metadata) => each(elements(metadata), (one) => set(one, element.name, Buffer.from('id'), binary)))],
  [
    'schema: names of no UTF-8',
    footer((metadata) => each(elements(metadata), (one) => set(one, element.name, Buffer.from([0xff, 0xfe]), binary))),
  ],
  ['schema: logical type of another', footer((metadata) => each(elements(metadata).slice(1), (one) => set(one, element.converted, 5n, 5)))],
  ['page: uncompressed beyond all', page((header) => set(header, 2, 0x7fff_ffffn))],
  ['page: uncompressed negative', page((header) => set(header, 2, -1n))],
  ['page: compressed beyond all', page((header) => set(header, 3, 0x7fff_ffffn))],
  ['page: compressed negative', page((header) => set(header, 3, -1n))],
  ['page: type unknown', page((header) => set(header, 1, 44n))],
  [
    'page: values beyond all',
    page((header) => each(header.fields, ({ value }) => typeof value === 'object' && 'fields' in value && set(value, 1, 0x7fff_ffffn))),
  ],
  [
    'page: values negative',
    page((header) => each(header.fields, ({ value }) => typeof value === 'object' && 'fields' in value && set(value, 1, -2n))),
  ],
  [
    'page: encoding unknown',
    page((header) => each(header.fields, ({ value }) => typeof value === 'object' && 'fields' in value && set(value, 2, 55n))),
  ],
]
