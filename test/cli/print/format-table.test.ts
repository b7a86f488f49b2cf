import { Field, Float64, Int64, makeData, RecordBatch, Schema, Struct, Utf8, vectorFromArray } from 'apache-arrow'
import { describe, expect, test } from 'vitest'
import { writeCsv, writeJson, writeNdjson } from '../../../src/cli/print/format-lines.ts'
import { writeTable } from '../../../src/cli/print/format-table.ts'
import type { Style } from '../../../src/cli/terminal/style.ts'
import { cutToWidth, padToWidth, textWidth } from '../../../src/cli/terminal/text-width.ts'

const plain: Style = { red: String, yellow: String, bold: String, dim: String }
const schema = new Schema([new Field('city', new Utf8()), new Field('n', new Int64())])

const batch = (cities: readonly (string | null)[], numbers: readonly (bigint | null)[]): RecordBatch =>
  new RecordBatch(
    schema,
    makeData({
      type: new Struct(schema.fields),
      length: cities.length,
      nullCount: 0,
      children: [vectorFromArray(cities, new Utf8()).data[0]!, vectorFromArray(numbers, new Int64()).data[0]!],
    }),
  )

async function* stream(...batches: RecordBatch[]): AsyncIterable<RecordBatch> {
  yield* batches
}

const into = (pieces: string[]) => async (piece: string) => void pieces.push(piece)

async function written(format: typeof writeCsv, ...batches: RecordBatch[]): Promise<string> {
  const pieces: string[] = []
  await format(schema, stream(...batches), into(pieces))
  return pieces.join('')
}

const table = (width: number | undefined) => (of: Schema, batches: AsyncIterable<RecordBatch>, write: (text: string) => Promise<void>) =>
  writeTable(of, batches, write, { width, style: plain })

describe('a table for people', () => {
  test('numbers are aligned right, NULL is visible, wide characters keep the columns straight', async () => {
    expect(await written(table(undefined), batch(['Köln', null, '東京', 'a\nb'], [5n, 12345678901234567n, null, -1n]))).toBe(
      [
        '┌─────────┬───────────────────┐',
        '│ city    │                 n │',
        '│ varchar │            bigint │',
        '├─────────┼───────────────────┤',
        '│ Köln    │                 5 │',
        '│ NULL    │ 12345678901234567 │',
        '│ 東京    │              NULL │',
        '│ a\\nb    │                -1 │',
        '└─────────┴───────────────────┘',
        '4 rows',
        '',
      ].join('\n'),
    )
  })

  test('a terminal shows the first and the last rows of a long result', async () => {
    const of = (from: number, to: number) =>
      batch(
        Array.from({ length: to - from }, (_, at) => `c${from + at}`),
        Array.from({ length: to - from }, (_, at) => BigInt(from + at)),
      )
    const lines = (await written(table(80), of(0, 15), of(15, 70), of(70, 75), of(75, 90), of(90, 100))).split('\n')
    const shown = lines.filter((line) => line.includes('c')).map((line) => /c(\d+)/.exec(line)?.[1])
    expect(shown.filter((number) => number !== undefined).map(Number)).toEqual([
      ...Array(20).keys(),
      ...Array.from({ length: 20 }, (_, at) => 80 + at),
    ])
    expect(lines.at(-2)).toBe('100 rows (40 shown)')
    expect((await written(table(undefined), of(0, 100))).split('\n').length).toBe(4 + 100 + 3)
    expect((await written(table(80), of(0, 40))).includes('·')).toBe(false)
  })

  test('it never exceeds the width of the terminal', async () => {
    const fields = Array.from({ length: 12 }, (_, at) => new Field(`a long name of column ${at}`, new Float64()))
    const many = new Schema(fields)
    const children = fields.map(() => vectorFromArray([1.23456789012345], new Float64()).data[0]!)
    const wide = new RecordBatch(many, makeData({ type: new Struct(fields), length: 1, nullCount: 0, children }))
    for (const width of [20, 40, 80, 120, 1000]) {
      const pieces: string[] = []
      await writeTable(many, stream(wide), into(pieces), { width, style: plain })
      const text = pieces.join('')
      for (const line of text.split('\n').slice(0, -2)) expect(textWidth(line)).toBeLessThanOrEqual(width)
      if (width < 100) expect(text).toMatch(/12 columns \(\d+ shown\)/)
    }
  })

  test('no value moves the cursor or turns the line around', async () => {
    const text = await written(table(undefined), batch(['\u001b[2J\u0007', '\u202egnp', '\u009b1m'], [1n, 2n, 3n]))
    expect(text).toContain('\\u001b[2J\\u0007')
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\u202e]/u)
  })

  test('an empty result shows its columns', async () => {
    expect(await written(table(undefined))).toMatch(/city[\s\S]*varchar[\s\S]*0 rows\n$/)
  })
})

describe('rows as lines', () => {
  const rows = () => batch(['a,b', 'say "hi"', '', null], [1n, 2n, null, 9007199254740993n])

  test('CSV tells NULL from the empty string', async () => {
    expect(await written(writeCsv, rows(), batch(['x\ny'], [5n]))).toBe(
      'city,n\n"a,b",1\n"say ""hi""",2\n"",\n,9007199254740993\n"x\ny",5\n',
    )
    expect(await written(writeCsv)).toBe('city,n\n')
  })

  test('JSON is one array, NDJSON an object a line', async () => {
    const lines = ['{"city":"a,b","n":1}', '{"city":"say \\"hi\\"","n":2}', '{"city":"","n":null}', '{"city":null,"n":9007199254740993}']
    expect(await written(writeNdjson, rows())).toBe(`${lines.join('\n')}\n`)
    expect(await written(writeJson, rows(), batch(['z'], [0n]))).toBe(`[\n${lines.join(',\n')},\n{"city":"z","n":0}\n]\n`)
    expect(await written(writeJson)).toBe('[]\n')
    expect(await written(writeNdjson)).toBe('')
  })

  test('columns of one name are numbered in JSON', async () => {
    const fields = ['a', 'a', 'a_1', 'a'].map((name) => new Field(name, new Int64()))
    const children = [1n, 2n, 3n, 4n].map((value) => vectorFromArray([value], new Int64()).data[0]!)
    const same = new RecordBatch(new Schema(fields), makeData({ type: new Struct(fields), length: 1, nullCount: 0, children }))
    const pieces: string[] = []
    await writeNdjson(new Schema(fields), stream(same), into(pieces))
    expect(Object.values(JSON.parse(pieces.join(''))).sort()).toEqual([1, 2, 3, 4])
  })
})

test('the width of a text counts columns of the terminal', () => {
  expect(['abc', '日本', 'é', 'e\u0301', '👍🏽', '🇩🇪', 'ﾊﾝ', ''].map(textWidth)).toEqual([3, 4, 1, 1, 2, 2, 2, 0])
  expect(cutToWidth('日本語', 5)).toBe('日本…')
  expect(cutToWidth('日本語', 4)).toBe('日…')
  expect(cutToWidth('abc', 3)).toBe('abc')
  expect(padToWidth('日', 4, 'right')).toBe('  日')
})
