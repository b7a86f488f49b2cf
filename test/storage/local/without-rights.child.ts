/** A process that gives up its rights where it has them, and tries what it may not: `without-rights.child.ts <folder>`. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { localStore } from '../../../src/storage/index.ts'
import { bytesOf, textOf } from '../../support/bytes.ts'

const nobody = 65534

async function codeOf(attempt: () => Promise<unknown>): Promise<unknown> {
  try {
    return await attempt()
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : String(error)
  }
}

async function main(base: string): Promise<void> {
  const root = join(base, 'table')
  mkdirSync(join(root, 'closed'), { recursive: true })
  writeFileSync(join(root, 'a'), 'x')
  writeFileSync(join(root, 'secret'), 'x')
  chmodSync(base, 0o755)
  chmodSync(root, 0o555)
  chmodSync(join(root, 'secret'), 0)
  chmodSync(join(root, 'closed'), 0)
  if (process.getuid?.() === 0) process.setuid?.(nobody)
  const store = localStore(root)
  const results = {
    read: textOf((await store.get('a')).bytes),
    put: await codeOf(() => store.put('b', bytesOf('x'))),
    putIfAbsent: await codeOf(() => store.putIfAbsent('b', bytesOf('x'))),
    newFolder: await codeOf(() => store.put('new/b', bytesOf('x'))),
    stage: await codeOf(() => store.stage()),
    delete: await codeOf(async () => {
      throw (await store.delete(['a']))[0]?.error
    }),
    unreadable: await codeOf(() => store.get('secret')),
    closedFolder: await codeOf(() => store.get('closed/a')),
    closedList: await codeOf(async () => {
      for await (const _ of store.list('closed/'));
    }),
  }
  process.stdout.write(JSON.stringify(results))
}

void main(process.argv[2] ?? '')
