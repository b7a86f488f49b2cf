/**
 * File systems that refuse: read-only, full, without hard links. Mounting takes root on Linux; where it is not allowed, a link function
 * that fails stands in for the last, and the others are left out and said to be.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { StoreDeniedError, StoreFullError, UnsafeStoreError } from '../../../src/errors/index.ts'
import { localStore } from '../../../src/storage/index.ts'
import { bytesOf, textOf } from '../../support/bytes.ts'
import { runTypeScript } from '../../support/child.ts'

let base: string
const mounted: string[] = []

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'varve-fs-')))
})
afterEach(() => {
  for (const folder of mounted.splice(0)) execFileSync('umount', [folder])
  rmSync(base, { recursive: true, force: true })
})

function mount(kind: string, options = 'rw'): string | undefined {
  const folder = join(base, `mount-${kind}`)
  mkdirSync(folder)
  try {
    execFileSync('mount', ['-t', kind, '-o', options, 'none', folder], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  mounted.push(folder)
  return folder
}

const noMount = 'no file system can be mounted here'

test('a full disk is told, and nothing half is left', async (context) => {
  const folder = mount('tmpfs', 'size=256k')
  if (folder === undefined) return context.skip(noMount)
  const store = localStore(folder)
  expect((await store.putIfAbsent('_delta_log/0.json', bytesOf('first'))).outcome).toBe('created')
  for (const size of [300_000, 3_000_000]) {
    await expect(store.putIfAbsent('_delta_log/1.json', new Uint8Array(size))).rejects.toThrow(StoreFullError)
    await expect(store.put('data', new Uint8Array(size))).rejects.toThrow(StoreFullError)
  }
  const path = join(base, 'body')
  writeFileSync(path, new Uint8Array(300_000))
  await expect(store.put('data', { path, size: 300_000 })).rejects.toThrow(StoreFullError)
  expect(readdirSync(folder, { recursive: true })).toEqual(['_delta_log', '_delta_log/0.json'])
  expect(textOf((await store.get('_delta_log/0.json')).bytes)).toBe('first')
  expect((await store.putIfAbsent('_delta_log/1.json', bytesOf('fits'))).outcome).toBe('created')
})

test('a read-only file system is read, and refuses the first write', async (context) => {
  const folder = mount('tmpfs', 'size=64k')
  if (folder === undefined) return context.skip(noMount)
  await localStore(folder).put('a', bytesOf('x'))
  execFileSync('mount', ['-o', 'remount,ro', folder])
  const store = localStore(folder)
  expect(textOf((await store.get('a')).bytes)).toBe('x')
  await expect(store.put('b', bytesOf('x'))).rejects.toThrow(StoreDeniedError)
  await expect(store.putIfAbsent('new/b', bytesOf('x'))).rejects.toThrow(StoreDeniedError)
  await expect(store.stage()).rejects.toThrow(StoreDeniedError)
  expect((await store.delete(['a']))[0]?.error).toBeInstanceOf(StoreDeniedError)
  expect(readdirSync(folder)).toEqual(['a'])
})

test('a folder without the right to write is read, and refuses the first write', async (context) => {
  if (process.getuid === undefined) return context.skip('there are no users here')
  const { code, stdout, stderr } = await runTypeScript('test/storage/local/without-rights.child.ts', [base])
  expect(stderr).toBe('')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toEqual({
    read: 'x',
    put: 'STORE_DENIED',
    putIfAbsent: 'STORE_DENIED',
    newFolder: 'STORE_DENIED',
    stage: 'STORE_DENIED',
    delete: 'STORE_DENIED',
    unreadable: 'STORE_DENIED',
    closedFolder: 'STORE_DENIED',
    closedList: 'STORE_DENIED',
  })
  expect(readdirSync(join(base, 'table')).sort()).toEqual(['a', 'closed', 'secret'])
})

test('a file system without hard links is refused before the first write', async (context) => {
  // A message queue's file system makes files and has no links.
  const folder = mount('mqueue')
  if (folder === undefined) return context.skip(noMount)
  const before = readdirSync(folder)
  const store = localStore(folder)
  await expect(store.put('data', bytesOf('x'))).rejects.toThrow(UnsafeStoreError)
  await expect(store.putIfAbsent('commit', bytesOf('x'))).rejects.toMatchObject({ code: 'STORE_UNSAFE' })
  await expect(store.stage()).rejects.toThrow(UnsafeStoreError)
  expect(readdirSync(folder)).toEqual(before)
})

test.each(['EPERM', 'ENOTSUP', 'EMLINK', 'ENOSYS'])('so is one whose links fail with %s', async (code) => {
  const store = localStore(join(base, 'table'), {
    link: () => {
      throw Object.assign(new Error('no links here'), { code })
    },
  })
  await expect(store.put('data', bytesOf('x'))).rejects.toThrow(UnsafeStoreError)
  await expect(store.putIfAbsent('_delta_log/0.json', bytesOf('x'))).rejects.toThrow(UnsafeStoreError)
  expect(readdirSync(base, { recursive: true }).filter((name) => name !== 'table')).toEqual([])
})

test('and one whose links replace what is there', async () => {
  const { renameSync } = await import('node:fs')
  const store = localStore(join(base, 'table'), { link: renameSync })
  await expect(store.put('data', bytesOf('x'))).rejects.toThrow(UnsafeStoreError)
  expect(readdirSync(join(base, 'table'))).toEqual([])
})

test('one that is not known but has safe links is taken', async (context) => {
  const folder = mount('ramfs')
  if (folder === undefined) return context.skip(noMount)
  const store = localStore(folder)
  expect((await store.putIfAbsent('_delta_log/0.json', bytesOf('x'))).outcome).toBe('created')
  expect((await store.putIfAbsent('_delta_log/0.json', bytesOf('y'))).outcome).toBe('exists')
  expect(readdirSync(folder, { recursive: true })).toEqual(['_delta_log', '_delta_log/0.json'])
})
