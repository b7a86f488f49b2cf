/**
 * The rows of all files that ever were as one relation, each with the versions that added and removed it. A file is read once, whatever
 * happened to its rows: where they had lives of their own, the number of a row's kind lies in bit masks beside the file, one for each
 * binary digit, and a small table has the lives of each kind.
 */
import { RowSet } from '../../data/vectors/row-set.ts'
import { quoteIdentifier } from '../../schema/quoting.ts'
import type { StructField } from '../../schema/types.ts'
import type { NestedNames } from '../relation/nested-names.ts'
import { type RelationFile, type RelationSource, relationSql } from '../relation/relation.ts'
import { maskOf } from '../relation/row-masks.ts'
import type { Life, RowLives } from './row-lives.ts'

/** A file of a ledger. */
export interface LedgerFile {
  /** All its rows are meant; where they had lives of their own, their number must be known. */
  readonly file: RelationFile
  readonly path: string
  readonly nested: NestedNames | undefined
  /** The one life of all its rows, or those of each. */
  readonly lives: Life | RowLives
}

/** What a ledger's relation is written from. */
export interface LedgerSource extends Pick<RelationSource, 'properties' | 'partitionColumns' | 'bindValue' | 'listPaths'> {
  /** The table's columns, and behind them `added` and `removed`. */
  readonly fields: readonly StructField[]
  /** The columns that are needed, by their names. Default: all. */
  readonly columns: ReadonlySet<string> | undefined
  readonly files: readonly LedgerFile[]
  /** What names of ours begin with, which are none of the table's. */
  readonly token: string
}

/** The relation as a SELECT. */
export function ledgerSql(source: LedgerSource): string {
  const { fields, columns, files } = source
  const some = columns === undefined ? fields : fields.filter(({ name }) => columns.has(name))
  const needed = some.length > 0 ? some : fields.slice(-1)
  const plain = files.filter(({ lives }) => !('kinds' in lives))
  const mixed = files.filter(({ lives }) => 'kinds' in lives)
  const parts: string[] = []
  if (plain.length > 0 || mixed.length === 0) parts.push(ofOneLife(source, needed, plain))
  if (mixed.length > 0) parts.push(ofManyLives(source, needed, mixed))
  return parts.map((sql) => `SELECT ${namesOf(needed).join(', ')} FROM (${sql})`).join(' UNION ALL ')
}

/** Files whose rows all came and went together: the versions are constants of the file. */
function ofOneLife(source: LedgerSource, needed: readonly StructField[], files: readonly LedgerFile[]): string {
  const [added, removed] = source.fields.slice(-2) as [StructField, StructField]
  const timed = files.map((one) => {
    const { added: from, removed: to } = one.lives as Life
    const constants = new Map(one.file.constants)
    constants.set(added.name, `${from}::BIGINT`).set(removed.name, versionSql(to))
    return { ...one, file: { ...one.file, constants } }
  })
  return relationSql({ ...relationOf(source, timed), schema: { type: 'struct', fields: source.fields }, columns: setOf(needed) })
}

/** Files whose rows are told apart by their kind. */
function ofManyLives(source: LedgerSource, needed: readonly StructField[], files: readonly LedgerFile[]): string {
  const { fields, token, bindValue } = source
  const [added, removed] = fields.slice(-2) as [StructField, StructField]
  const positions = { file: `${token}_file`, row: `${token}_row` }
  const own = fields.slice(0, -2)
  const rows = relationSql({
    ...relationOf(source, files),
    schema: { type: 'struct', fields: own },
    columns: setOf(needed.filter((field) => field !== added && field !== removed)),
    positions,
  })
  const lives = files.map((file) => file.lives as RowLives)
  const digits = Math.max(...lives.map(({ kinds }) => Math.ceil(Math.log2(kinds.length + 1))))
  const masks = Array.from({ length: digits }, (_, digit) => files.map((file, place) => maskOfDigit(file, lives[place]!, digit)))
  const columns = needed.map((field) => {
    const name = quoteIdentifier(field.name)
    return field === added ? `l.added AS ${name}` : field === removed ? `l.removed AS ${name}` : `r.${name}`
  })
  const [file, row] = [`r.${quoteIdentifier(positions.file)}`, `CAST(r.${quoteIdentifier(positions.row)} AS INTEGER)`]
  const most = Math.max(...lives.map((one) => one.lives.length))
  const lists = masks.map((list, digit) => `unnest(${blobs(list, bindValue)}::BIT[]) AS m${digit}`)
  const beside = `SELECT ${[`unnest(range(${files.length})) AS place`, ...lists].join(', ')}`
  // One number for place and kind: the lives cannot be joined before the masks, which would be each row with every life of its file.
  const kind = [`m.place * ${most}`, ...masks.map((_, digit) => `(get_bit(m.m${digit}, ${row}) << ${digit})`)].join(' + ')
  return `SELECT ${columns.join(', ')} FROM (${rows}) AS r JOIN (${beside}) AS m ON ${file} = m.place JOIN (${livesSql(lives, most)}) AS l ON l.kind = ${kind}`
}

/** One binary digit of the kinds of a file's rows. */
function maskOfDigit({ file }: LedgerFile, { kinds }: RowLives, digit: number): Uint8Array {
  const { numRecords, path } = file
  if (numRecords === undefined) throw new Error(`the number of rows of ${path} is not known`)
  const ones = kinds.filter((_, index) => ((index + 1) >>> digit) & 1)
  const rows = ones.reduce((all, one) => all.union(one), RowSet.empty)
  // A file without rows has a mask all the same.
  return maskOf({ allBut: rows }, Math.max(1, numRecords))
}

/** The lives of each kind of each file; the kinds of a file are numbered from its place times `most` on. */
function livesSql(lives: readonly RowLives[], most: number): string {
  const all = lives.flatMap((file, place) =>
    file.lives.flatMap((list, kind) => list.map((life) => ({ ...life, kind: place * most + kind }))),
  )
  const list = (values: readonly (number | string)[]) => `unnest([${values.join(', ')}]::BIGINT[])`
  const [kinds, added, removed] = [all.map(({ kind }) => kind), all.map((life) => life.added), all.map((life) => life.removed ?? 'NULL')]
  return `SELECT ${list(kinds)} AS kind, ${list(added)} AS added, ${list(removed)} AS removed`
}

function relationOf({ properties, partitionColumns, bindValue, listPaths }: LedgerSource, files: readonly LedgerFile[]) {
  return {
    properties,
    partitionColumns,
    bindValue,
    listPaths,
    files: files.map(({ file }) => file),
    paths: files.map(({ path }) => path),
    nested: files.map(({ nested }) => nested),
  }
}

function blobs(masks: readonly Uint8Array[], bindValue: LedgerSource['bindValue']): string {
  if (bindValue !== undefined) return `${bindValue(masks)}::BLOB[]`
  return `[${masks.map((mask) => `from_base64('${Buffer.from(mask.buffer, mask.byteOffset, mask.length).toString('base64')}')`).join(', ')}]`
}

function versionSql(version: number | undefined): string {
  return version === undefined ? 'NULL::BIGINT' : `${version}::BIGINT`
}

function namesOf(fields: readonly StructField[]): string[] {
  return fields.map(({ name }) => quoteIdentifier(name))
}

function setOf(fields: readonly StructField[]): ReadonlySet<string> {
  return new Set(fields.map(({ name }) => name))
}
