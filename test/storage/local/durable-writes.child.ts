/** Writes whose system calls are looked at: `durable-writes.child.ts <folder>`. What happens between two marks belongs together. */
import { existsSync, readFileSync } from 'node:fs'
import { localStore } from '../../../src/storage/index.ts'
import { bytesOf } from '../../support/bytes.ts'

/** Shows in the trace as an attempt to open a name. */
function mark(name: string): void {
  try {
    readFileSync(`/mark-${name}`)
  } catch {}
}

async function marked(name: string, run: () => Promise<unknown>): Promise<void> {
  mark(name)
  await run()
  mark(`after-${name}`)
}

async function main(folder: string): Promise<void> {
  const store = localStore(folder)
  await marked('commit', () => store.putIfAbsent('_delta_log/0.json', bytesOf('0')))
  await marked('second', () => store.putIfAbsent('_delta_log/1.json', bytesOf('1')))
  await store.put('warm', bytesOf('0'))
  await marked('put', () => store.put('part-1', bytesOf('1')))
  await marked('hint', () => store.put('_delta_log/_last_checkpoint', bytesOf('1'), { durable: false }))
  await marked('append', () => {
    const data = store.put('part-2', bytesOf('2'))
    return store.putIfAbsent('_delta_log/2.json', bytesOf('2'), { after: data })
  })
  if (!existsSync(folder)) throw new Error('nothing was written')
}

void main(process.argv[2] ?? '')
