import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { localStore } from '../../src/storage/index.ts'
import { textOf } from '../support/bytes.ts'
import { runTypeScript } from '../support/child.ts'

test('of 16 processes that race for a name exactly one creates it, whole, while a reader looks on', { timeout: 60_000 }, async () => {
  const rounds = 12
  const folder = mkdtempSync(join(tmpdir(), 'varve-race-'))
  try {
    const start = Date.now() + 4000
    const racing = Promise.all(
      Array.from({ length: 16 }, (_, writer) =>
        runTypeScript('test/concurrency/store-writer.ts', [folder, String(writer), String(rounds), String(start)]),
      ),
    )
    const store = localStore(folder)
    let looks = 0
    for (let done = false; !done; ) {
      done = await Promise.race([racing.then(() => true), new Promise<false>((resolve) => setTimeout(resolve, 1, false))])
      for await (const { key } of store.list('_delta_log/')) {
        expect(textOf((await store.get(key)).bytes)).toMatch(/^(writer \d+ )\1{199}$/)
        looks++
      }
    }
    const ends = await racing
    expect(ends.map(({ code, stderr }) => `${code} ${stderr}`)).toEqual(Array.from({ length: 16 }, () => '0 '))
    const creators = new Map<string, number[]>()
    for (const [writer, { stdout }] of ends.entries()) {
      for (const key of JSON.parse(stdout) as string[]) creators.set(key, [...(creators.get(key) ?? []), writer])
    }
    expect(creators.size).toBe(rounds)
    for (const [key, writers] of creators) {
      expect(writers, key).toHaveLength(1)
      expect(textOf((await store.get(key)).bytes).startsWith(`writer ${writers[0]} `)).toBe(true)
    }
    expect(readdirSync(join(folder, '_delta_log'))).toHaveLength(rounds)
    expect(looks).toBeGreaterThan(0)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
