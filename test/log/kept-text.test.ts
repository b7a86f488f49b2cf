/** What may stand in a log for good: the words of a command, and none of its secrets. */
import { expect, it } from 'vitest'
import { keptCommand, keptText } from '../../src/log/index.ts'

const secret = 'S3cr3tValue0123456789'

it.each([
  [['etl.js', '--password', secret]],
  [['etl.js', `--db-password=${secret}`]],
  [['etl.js', '--api-key', secret, '--day', '2026-03-15']],
  [['etl.js', `API_TOKEN=${secret}`]],
  [['etl.js', '--param', `access_key='${secret} and more'`]],
  [['etl.js', `postgres://etl:${secret}@db.example.org/orders`]],
  [['etl.js', `https://example.org/a.csv?sig=${secret}&day=1`]],
  [['etl.js', `https://example.org/a.csv?day=1&X-Amz-Signature=${secret}`]],
  [['curl', '-H', `Authorization: Bearer ${secret}`]],
  [['etl.js', `ghp_${secret}abcdef`]],
  [['etl.js', `--note=eyJhbGciOiJIUzI1NiJ9.${secret}.${secret}`]],
  [['etl.js', `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`]],
])('%j keeps its secret to itself', (command) => {
  const kept = keptCommand(command)
  expect(kept.join(' ')).not.toContain(secret)
  expect(kept[0]).toBe(command[0])
  expect(kept.join(' ')).toContain('***')
})

it.each([
  [['varve', 'append', 'events', 'january.csv', '--txn', 'etl-events:2', '--message', 'author = Ada, keyboard = none']],
  [['etl.js', '--day=2026-03-15', '--key-columns', 'id', 's3://bucket/path', 'a@b', '--monkey', 'x']],
])('%j is kept as it is', (command) => {
  expect(keptCommand(command)).toEqual(command)
})

it('keeps the options that follow one without a value', () => {
  expect(keptCommand(['etl.js', '--token', '--day', '1'])).toEqual(['etl.js', '--token', '--day', '1'])
})

it('cuts what is long', () => {
  expect(keptCommand(['a', 'x'.repeat(10_000)])[1]).toHaveLength(501)
  expect(keptCommand(Array.from({ length: 1000 }, (_, at) => `${at}`))).toHaveLength(101)
  expect(keptText('SELECT 1 '.repeat(1000)).length).toBeLessThan(2100)
})
