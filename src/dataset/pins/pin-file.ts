/**
 * Pins: small text files that name one version of a table, to be kept in Git beside the code that reads it.
 *
 *   varve-pin: 1                 the format
 *   table: data/events           the table's folder, from the folder of the pin
 *   version: 7
 *   tag: v2.0                    where it was pinned by a tag
 *   fingerprints:                of the version, in hex; a line is left out where there is none
 *     id: 5f2c…
 *     files: 0a91…
 *     rows: c07d…
 *   rows: 1200000
 *   bytes: 33554432              of its data files
 *   schema: 9be1…                SHA-256 of the schema's JSON
 *   remote: file:///mnt/share/events    where a copy of the table is, if one is known
 *   hold: 0197…                  the record `_varve/holds/<id>.json` that keeps the version from vacuum
 *
 * It is YAML with one value a line, always in this order, so that a diff in Git says what changed. A pin comes from Git and may be a stranger's:
 * its table is a relative path, whoever uses a version compares it with the fingerprints first, and `pin-place.ts` says where a pull may write.
 */
import { basename, dirname } from 'node:path'
import { PinError } from '../../errors/index.ts'
import type { Fingerprints } from '../../refs/fingerprints.ts'
import { localStore } from '../../storage/index.ts'

/** What a pin says. */
export interface Pin {
  /** The folder of the table, relative to the folder that the pin lies in, with `/` between its parts. */
  readonly table: string
  readonly version: number
  /** The tag that it was pinned by; `null` where it was pinned otherwise. */
  readonly tag: string | null
  /** Of the version; `id` or `files` is there. `rows` is `null` where the table has variants. */
  readonly fingerprints: Fingerprints
  /** Rows of the version, deleted ones not counted. */
  readonly rows: number
  /** Bytes of the version's data files. */
  readonly bytes: number
  /** SHA-256 in hex of the schema's JSON as the log has it. */
  readonly schema: string
  /** The URL of a copy of the table; `null` where none was known. */
  readonly remote: string | null
  /** The id of the hold that keeps the version in the table; `null` where nothing holds it. */
  readonly hold: string | null
}

/** Longer than any pin. */
const mostBytes = 1 << 16

const format = '1'

const order = ['varve-pin', 'table', 'version', 'tag', 'fingerprints', 'rows', 'bytes', 'schema', 'remote', 'hold']
const kinds = ['id', 'files', 'rows'] as const

/** Reads a pin from its file. @throws PinError PIN_NOT_FOUND and what {@link parsePin} throws; storage errors */
export async function readPin(path: string): Promise<Pin> {
  return parsePin(await readPinText(path), path)
}

/** The text of a pin. @throws PinError PIN_NOT_FOUND, PIN_INVALID; storage errors */
export async function readPinText(path: string): Promise<string> {
  const store = localStore(dirname(path))
  const key = basename(path)
  const meta = await store.head(key)
  if (meta === undefined) {
    throw new PinError('PIN_NOT_FOUND', `There is no pin ${path}.`, {
      remedy: 'Check the path; varve pin REF writes a pin, and varve status lists those below a folder.',
      data: { file: path },
    })
  }
  if (meta.size > mostBytes) throw invalid(path, `it has ${meta.size} bytes`)
  return new TextDecoder().decode((await store.get(key)).bytes)
}

/** Writes a pin, all of it or nothing, in place of one that is there. @throws storage errors */
export async function writePin(path: string, pin: Pin): Promise<void> {
  await localStore(dirname(path)).put(basename(path), new TextEncoder().encode(formatPin(pin)))
}

/**
 * Reads the text of a pin; `from` is its file, for messages.
 * @throws PinError PIN_CONFLICTED where Git left both sides of a merge in it; PIN_FORMAT_UNKNOWN for a later format; PIN_INVALID
 */
export async function parsePin(text: string, from: string): Promise<Pin> {
  if (isConflicted(text)) {
    throw new PinError('PIN_CONFLICTED', `The pin ${from} holds both sides of a merge that Git could not settle.`, {
      remedy: `Choose one: git checkout --ours ${from}, or --theirs; or pin the version that you want anew: varve pin REF ${from}.`,
      data: { file: from },
    })
  }
  return pinAsWritten(text, from) ?? pinOf(await fieldsOf(text, from), from)
}

/** The text of a pin. */
export function formatPin(pin: Pin): string {
  const { fingerprints } = pin
  const digests = kinds.flatMap((kind) => (fingerprints[kind] === null ? [] : [`  ${kind}: ${scalar(fingerprints[kind])}`]))
  const lines = [
    `varve-pin: ${format}`,
    `table: ${scalar(pin.table)}`,
    `version: ${pin.version}`,
    ...(pin.tag === null ? [] : [`tag: ${scalar(pin.tag)}`]),
    'fingerprints:',
    ...digests,
    `rows: ${pin.rows}`,
    `bytes: ${pin.bytes}`,
    `schema: ${scalar(pin.schema)}`,
    ...(pin.remote === null ? [] : [`remote: ${scalar(pin.remote)}`]),
    ...(pin.hold === null ? [] : [`hold: ${scalar(pin.hold)}`]),
  ]
  return `${lines.join('\n')}\n`
}

/** Whether Git's marks of an unsettled merge are in a text. */
export function isConflicted(text: string): boolean {
  return /^(<{7}|>{7})( |\r?$)/m.test(text)
}

type Field = string | { readonly [name: string]: unknown }

/**
 * The pin of a text that is to the byte what {@link formatPin} makes of it, as nearly all are: no parser of YAML has to be loaded for it, which takes
 * longer than all else. `undefined` of any other text.
 */
function pinAsWritten(text: string, from: string): Pin | undefined {
  const fields: Record<string, Field> = {}
  const digests: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const [, indent, name = '', value] = /^( {2})?([a-z-]+):(?: (.+))?$/.exec(line) ?? []
    if (value !== undefined) (indent ? digests : fields)[name] = value.startsWith('"') ? unquoted(value) : value
  }
  try {
    const pin = pinOf({ ...fields, fingerprints: digests }, from)
    return formatPin(pin) === text ? pin : undefined
  } catch (error) {
    if (error instanceof PinError) return undefined
    throw error
  }
}

function unquoted(value: string): string {
  try {
    return String(JSON.parse(value))
  } catch {
    return value
  }
}

function pinOf(fields: Readonly<Record<string, Field | undefined>>, from: string): Pin {
  const found = fields['varve-pin']
  if (found === undefined) throw invalid(from, 'it does not begin with varve-pin')
  if (found !== format) {
    throw new PinError('PIN_FORMAT_UNKNOWN', `The pin ${from} is of the format ${String(found)}, and this Varve reads format ${format}.`, {
      remedy: 'Use the Varve that wrote it, or a later one.',
      data: { file: from, format: String(found) },
    })
  }
  const unknown = Object.keys(fields).find((name) => !order.includes(name))
  if (unknown !== undefined) throw invalid(from, `it has a field ${JSON.stringify(unknown)}, which no pin has`)
  const fingerprints = fingerprintsOf(fields.fingerprints, from)
  return {
    table: tableOf(fields.table, from),
    version: countOf(fields.version, 'version', from),
    tag: textOf(fields.tag, 'tag', from),
    fingerprints,
    rows: countOf(fields.rows, 'rows', from),
    bytes: countOf(fields.bytes, 'bytes', from),
    schema: hexOf(fields.schema, 'schema', from) ?? missing('schema', from),
    remote: remoteOf(fields.remote, from),
    hold: holdOf(fields.hold, from),
  }
}

async function fieldsOf(text: string, from: string): Promise<Readonly<Record<string, Field | undefined>>> {
  const { fieldsOfYaml } = await import('./pin-yaml.ts')
  const read = fieldsOfYaml(text)
  if ('problem' in read) throw invalid(from, read.problem, read.cause)
  if (!isFields(read.value)) throw invalid(from, 'it has no fields')
  return read.value
}

function isFields(value: unknown): value is Readonly<Record<string, Field>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function tableOf(value: unknown, from: string): string {
  const table = textOf(value, 'table', from) ?? missing('table', from)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  if (table === '' || /[\u0000-\u001f\u007f]/.test(table)) throw invalid(from, `its table ${JSON.stringify(table)} is no path of a folder`)
  if (table.startsWith('/') || /^[a-z][a-z0-9+.-]*:\/\//i.test(table)) {
    throw invalid(from, `its table ${table} is not relative to the pin`)
  }
  return table
}

function fingerprintsOf(value: unknown, from: string): Fingerprints {
  if (!isFields(value)) throw missing('fingerprints', from)
  const unknown = Object.keys(value).find((kind) => !kinds.includes(kind as (typeof kinds)[number]))
  if (unknown !== undefined) throw invalid(from, `it has a fingerprint ${JSON.stringify(unknown)}, which is none`)
  const [id, files, rows] = kinds.map((kind) => hexOf(value[kind], kind, from)) as [string | null, string | null, string | null]
  if (id === null && files === null) throw invalid(from, 'it says neither the id of the version nor the fingerprint of its files')
  return { id, files, rows }
}

function countOf(value: unknown, name: string, from: string): number {
  const text = textOf(value, name, from) ?? missing(name, from)
  const count = Number(text)
  if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(count))
    throw invalid(from, `its ${name} ${JSON.stringify(text)} is no whole number`)
  return count
}

function hexOf(value: unknown, name: string, from: string): string | null {
  const text = textOf(value, name, from)
  if (text === null || /^[0-9a-f]{64}$/.test(text)) return text
  throw invalid(from, `its ${name} ${JSON.stringify(text)} is no SHA-256 in hex`)
}

/** A place that anyone may read of: no word that means something in a table, and no password. */
function remoteOf(value: unknown, from: string): string | null {
  const text = textOf(value, 'remote', from)
  if (text === null || /^[a-z][a-z0-9+.-]*:\/\/(?![^/]*@)/i.test(text)) return text
  throw invalid(from, 'its remote is no URL, or one with a user in it')
}

/** The id becomes part of a key in the table. */
function holdOf(value: unknown, from: string): string | null {
  const text = textOf(value, 'hold', from)
  if (text === null || /^[0-9a-f][0-9a-f-]{7,63}$/.test(text)) return text
  throw invalid(from, `its hold ${JSON.stringify(text)} is no id`)
}

function textOf(value: unknown, name: string, from: string): string | null {
  if (value === undefined) return null
  if (typeof value === 'string') return value
  throw invalid(from, `its ${name} is no single value`)
}

/** Plain where no reader of YAML, old or new, could take the text for anything else; quoted as JSON does otherwise, which YAML reads too. */
function scalar(text: string): string {
  const isWord = /^(\.\.?\/)*[\p{L}_][\p{L}\p{N}./_-]*$/u.test(text) && !/^(null|true|false|yes|no|on|off|y|n)$/i.test(text)
  const isDigest = /^[0-9a-f-]{8,}$/.test(text) && (text.match(/[a-f]/g)?.length ?? 0) > 1
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\/[\w./%~+=,-]+$/i.test(text)
  if (isWord || isDigest || isUrl) return text
  return JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function missing(name: string, from: string): never {
  throw invalid(from, `it does not say its ${name}`)
}

function invalid(from: string, why: string, cause?: unknown): PinError {
  return new PinError('PIN_INVALID', `${from} is no pin that can be used: ${why}.`, {
    remedy: 'Restore it from Git, or pin the version anew: remove the file, and run varve pin REF.',
    data: { file: from },
    cause,
  })
}
