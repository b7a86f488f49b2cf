import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { AbortedError } from '../../src/errors/index.ts'
import { beginHash, hashBytes, hashFile, scratchFolder, spoolStream, statInput } from '../../src/storage/index.ts'
import { bytesOf } from '../support/bytes.ts'

let base: string
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'varve-test-input-')))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(base, { recursive: true, force: true })
})

test('an input is a file, a folder or nothing', async () => {
  writeFileSync(join(base, 'a.csv'), '12345')
  symlinkSync(join(base, 'a.csv'), join(base, 'link'))
  symlinkSync(join(base, 'none'), join(base, 'dangling'))
  expect(await statInput(join(base, 'a.csv'))).toEqual({ path: join(base, 'a.csv'), size: 5, kind: 'file' })
  expect(await statInput(relative(process.cwd(), join(base, 'a.csv')))).toEqual({ path: join(base, 'a.csv'), size: 5, kind: 'file' })
  expect(await statInput(join(base, 'link'))).toEqual({ path: join(base, 'link'), size: 5, kind: 'file' })
  expect(await statInput(base)).toEqual({ path: base, size: 0, kind: 'folder' })
  for (const name of ['none', 'dangling', 'a.csv/below', 'a\0b']) expect(await statInput(join(base, name)), name).toBeUndefined()
})

test('a stream is written to a scratch file, which goes when it is done with', async () => {
  const spooled = await spoolStream(Readable.from([bytesOf('a,b\n'), bytesOf('1,2\n')]), '.csv')
  expect(readFileSync(spooled.path, 'utf8')).toBe('a,b\n1,2\n')
  expect(basename(spooled.path).endsWith('.csv')).toBe(true)
  await spooled.dispose()
  expect(existsSync(spooled.folder)).toBe(false)
})

test('a stream that fails or is aborted leaves nothing', async () => {
  // Scratch folders of this test alone.
  vi.stubEnv('TMPDIR', base)
  const failure = new Error('the pipe broke')
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield bytesOf('a')
    throw failure
  }
  await expect(spoolStream(broken(), '.csv')).rejects.toBe(failure)
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      yield bytesOf('x')
    }
  }
  await expect(spoolStream(endless(), '.csv', { signal: AbortSignal.timeout(20) })).rejects.toThrow(AbortedError)
  expect(readdirSync(base)).toEqual([])
})

test('a scratch folder is one of our own', async () => {
  const scratch = await scratchFolder('varve-test-')
  expect(statSync(scratch.folder).mode & 0o777).toBe(0o700)
  writeFileSync(join(scratch.folder, 'x'), 'x')
  await scratch.dispose()
  expect(existsSync(scratch.folder)).toBe(false)
})

test('a hash is that of all bytes', async () => {
  for (const size of [0, 5, 1 << 20, (1 << 20) * 2 + 17]) {
    const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 13) & 255)
    writeFileSync(join(base, 'x'), bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    expect(await hashFile(join(base, 'x'))).toEqual({ size, sha256 })
    expect(hashBytes(bytes)).toBe(sha256)
  }
  await expect(hashFile(join(base, 'none'))).rejects.toThrow()
  await expect(beginHash(join(base, 'none'))).rejects.toThrow()
})

test('hashes on while a file is moved, and never a file that changes under it', async () => {
  const bytes = Buffer.alloc(3_000_000, 'some rows ')
  writeFileSync(join(base, 'moved'), bytes)
  const moved = await beginHash(join(base, 'moved'))
  renameSync(join(base, 'moved'), join(base, 'elsewhere'))
  rmSync(join(base, 'elsewhere'))
  expect([moved.size, await moved.sha256]).toEqual([bytes.length, hashBytes(bytes)])
  writeFileSync(join(base, 'growing'), bytes)
  const growing = await beginHash(join(base, 'growing'))
  appendFileSync(join(base, 'growing'), bytes)
  await expect(growing.sha256).rejects.toMatchObject({ code: 'OBJECT_CORRUPT' })
})
