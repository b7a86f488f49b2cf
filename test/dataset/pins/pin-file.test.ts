import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { formatPin, type Pin, parsePin, readPin } from '../../../src/dataset/pins/pin-file.ts'
import { PinError } from '../../../src/index.ts'

const digest = (two: string) => two.repeat(32)

const pin: Pin = {
  table: 'data/events',
  version: 7,
  tag: 'v2.0',
  fingerprints: { id: digest('5f'), files: digest('0a'), rows: digest('c0') },
  rows: 1_200_000,
  bytes: 33_554_432,
  schema: digest('9b'),
  remote: 'file:///mnt/share/events',
  hold: '0197c9a4-0000-7000-8000-00000000abcd',
}

describe('the text of a pin', () => {
  test('has one value a line, in one order', () => {
    const { fingerprints } = pin
    expect(formatPin(pin)).toBe(`varve-pin: 1
table: data/events
version: 7
tag: v2.0
fingerprints:
  id: ${fingerprints.id}
  files: ${fingerprints.files}
  rows: ${fingerprints.rows}
rows: 1200000
bytes: 33554432
schema: ${pin.schema}
remote: file:///mnt/share/events
hold: 0197c9a4-0000-7000-8000-00000000abcd
`)
  })

  test('leaves out what there is none of', async () => {
    const small = { ...pin, tag: null, remote: null, hold: null, fingerprints: { ...pin.fingerprints, rows: null } }
    expect(formatPin(small)).not.toMatch(/tag|remote|hold|null/)
    expect(await parsePin(formatPin(small), 'p')).toEqual(small)
  })

  test('comes back as it was written, whatever its names are, and any reader of YAML sees texts as texts', async () => {
    const hex = fc.array(fc.constantFrom(...'0123456789abcdef'), { minLength: 64, maxLength: 64 }).map((digits) => digits.join(''))
    const odd = fc.constantFrom(
      'yes',
      'null',
      '1e5',
      '0x1F',
      '~',
      '- a',
      'a: b',
      'a #b',
      "it's",
      '2026-03-15',
      '.5',
      '...',
      '=',
      '<<',
      '\u2028x',
      ' x ',
    )
    const text = fc.oneof(odd, fc.string({ minLength: 1, unit: 'grapheme' }))
    const table = text.filter((path) => !/^\/|[\p{Cc}]|^[a-z][a-z0-9+.-]*:\/\//iu.test(path))
    const digestish = fc.oneof(hex, fc.constantFrom(digest('11'), digest('1e'), `${'0'.repeat(60)}1e10`))
    await fc.assert(
      fc.asyncProperty(table, text, digestish, fc.maxSafeNat(), async (path, tag, id, version) => {
        const written: Pin = { ...pin, table: path, tag, version, fingerprints: { ...pin.fingerprints, id } }
        expect(await parsePin(formatPin(written), 'p')).toEqual(written)
        expect(await parsePin(`# by hand\n${formatPin(written)}`, 'p')).toEqual(written)
        for (const core of [parse(formatPin(written), { version: '1.1' }), parse(formatPin(written))]) {
          expect(core).toMatchObject({ table: path, tag, fingerprints: { id } })
        }
        expect(formatPin(written).trimEnd().split('\n')).toHaveLength(13)
      }),
      { numRuns: 150 },
    )
  })

  test('may be edited by hand: comments, quotes, another order', async () => {
    const lines = formatPin(pin).trimEnd().split('\n')
    const edited = ['# what the model is trained on', ...lines.slice(8), ...lines.slice(0, 8), '']
      .join('\r\n')
      .replace('v2.0', "'v2.0' # good")
    expect(await parsePin(edited, 'p')).toEqual(pin)
  })
})

describe('a text that is no pin', () => {
  const text = formatPin(pin)
  test.each([
    [
      'both sides of a merge',
      text.replace('version: 7', '<<<<<<< HEAD\nversion: 7\n=======\nversion: 8\n>>>>>>> other'),
      'PIN_CONFLICTED',
      'merge',
    ],
    ['a later format', text.replace('varve-pin: 1', 'varve-pin: 2\nfancy: new'), 'PIN_FORMAT_UNKNOWN', 'format 2'],
    ['nothing', '', 'PIN_INVALID', 'no fields'],
    ['no YAML', 'a: [', 'PIN_INVALID', 'no YAML'],
    ['other YAML', 'outs:\n- path: x\n', 'PIN_INVALID', 'varve-pin'],
    ['two values of one field', `${text}version: 8\n`, 'PIN_INVALID', 'no YAML'],
    ['two documents', `${text}---\n${text}`, 'PIN_INVALID', 'no YAML'],
    ['an alias', text.replace('table: data/events', 'table: &t data/events').replace('v2.0', '*t'), 'PIN_INVALID', 'alias'],
    ['a field of another', `${text}__proto__: 1\n`, 'PIN_INVALID', '__proto__'],
    ['an absolute path', text.replace('data/events', '/etc'), 'PIN_INVALID', 'not relative'],
    ['a URL for a path', text.replace('data/events', 's3://b/events'), 'PIN_INVALID', 'not relative'],
    ['a path with a NUL', text.replace('data/events', '"a\\0b"'), 'PIN_INVALID', 'no path'],
    ['a version below zero', text.replace('version: 7', 'version: -7'), 'PIN_INVALID', 'version'],
    ['a version that a number cannot hold', text.replace('version: 7', 'version: 9007199254740993'), 'PIN_INVALID', 'version'],
    ['a fingerprint that is cut off', text.replace(/( {2}id: .*)..\n/, '$1\n'), 'PIN_INVALID', 'id'],
    ['no fingerprints', text.replace(/ {2}(id|files|rows): .*\n/g, ''), 'PIN_INVALID', 'fingerprints'],
    ['only the fingerprint of rows', text.replace(/ {2}(id|files): .*\n/g, ''), 'PIN_INVALID', 'neither'],
    ['a hold that leaves its folder', text.replace(/hold: .*/, 'hold: ../../_delta_log/0'), 'PIN_INVALID', 'hold'],
    ['a word for a remote', text.replace(/remote: .*/, 'remote: origin'), 'PIN_INVALID', 'remote'],
    ['a remote with a password', text.replace(/remote: .*/, 'remote: s3://key:secret@bucket/x'), 'PIN_INVALID', 'remote'],
    ['a list for a value', text.replace('tag: v2.0', 'tag: [v2.0]'), 'PIN_INVALID', 'tag'],
  ])('%s', async (_, bad, code, why) => {
    const error = await parsePin(bad, 'data/events.varve').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(PinError)
    expect(error).toMatchObject({ code, message: expect.stringContaining(why), data: { file: 'data/events.varve' } })
  })
})

test('a damaged text is a pin, or an error that names the file', async () => {
  const text = formatPin(pin)
  const damage = fc.record({
    at: fc.nat(text.length),
    gone: fc.nat(40),
    put: fc.oneof(fc.constant(''), fc.string({ maxLength: 5 }), fc.constantFrom('\n', ': ', '  ', '"', '&a ', '*a', '\t', '\0')),
  })
  await fc.assert(
    fc.asyncProperty(damage, async ({ at, gone, put }) => {
      const damaged = text.slice(0, at) + put + text.slice(at + gone)
      const read = await parsePin(damaged, 'events.varve').catch((error: unknown) => error)
      if (read instanceof Error) expect(read).toMatchObject({ code: expect.stringMatching(/^PIN_/), data: { file: 'events.varve' } })
      else expect(await parsePin(formatPin(read as Pin), 'p')).toEqual(read)
    }),
    { numRuns: 200 },
  )
})

describe('a file', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'varve-pin-file-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('is read, is not there, or is too long for a pin', async () => {
    const path = join(folder, 'events.varve')
    await expect(readPin(path)).rejects.toMatchObject({ code: 'PIN_NOT_FOUND', data: { file: path } })
    await writeFile(path, formatPin(pin))
    expect(await readPin(path)).toEqual(pin)
    await writeFile(path, `${formatPin(pin)}${'#'.repeat(70_000)}`)
    await expect(readPin(path)).rejects.toMatchObject({ code: 'PIN_INVALID', message: expect.stringContaining('bytes') })
  })
})

test('the page that tells the format shows a pin to the byte', async () => {
  const page = await readFile(join(import.meta.dirname, '../../../spec/pin.md'), 'utf8')
  const [, shown = ''] = /```yaml\n([\s\S]*?)```/.exec(page) ?? []
  expect(formatPin(await parsePin(shown, 'spec/pin.md'))).toBe(shown)
})
