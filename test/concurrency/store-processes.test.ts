import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { localStore } from '../../src/storage/index.ts'
import { textOf } from '../support/bytes.ts'
import { type Ended, startTypeScript } from '../support/child.ts'

test('of 16 processes that race for a name exactly one creates it, whole, while a reader looks on', { timeout: 60_000 }, async () => {
  const rounds = 12
  const folder = mkdtempSync(join(tmpdir(), 'varve-race-'))
  try {
    const children = Array.from({ length: 16 }, (_, writer) =>
      startTypeScript('test/concurrency/store-writer.child.ts', [folder, String(writer), String(rounds)]),
    )
    const ready = children.map((child) => new Promise((resolve) => child.stdout?.once('data', resolve)))
    const endings = children.map((child) => collected(child))
    await Promise.race([Promise.all(ready), Promise.all(endings)])
    for (const child of children) child.stdin?.end()
    const racing = Promise.all(endings)
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
      for (const key of JSON.parse(stdout.replace('ready\n', '')) as string[]) creators.set(key, [...(creators.get(key) ?? []), writer])
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

/** What a process printed and how it ended; its standard input stays open, since that is the signal to begin. */
function collected(child: ChildProcess): Promise<Ended> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
