/**
 * A process that races for names in a folder: `store-writer.child.ts <folder> <writer> <rounds>`. It prints a line when it is
 * ready, begins when its standard input ends, and prints the names that it created.
 */
import { localStore } from '../../src/storage/index.ts'
import { bytesOf } from '../support/bytes.ts'

const [folder = '', writer = '', rounds = '0'] = process.argv.slice(2)

async function main(): Promise<void> {
  const store = localStore(folder)
  await store.head('_delta_log/0')
  process.stdout.write('ready\n')
  for await (const _ of process.stdin);
  const created: string[] = []
  for (let round = 0; round < Number(rounds); round++) {
    const key = `_delta_log/${String(round).padStart(20, '0')}.json`
    const { outcome } = await store.putIfAbsent(key, bytesOf(`writer ${writer} `.repeat(200)))
    if (outcome === 'created') created.push(key)
    else if (outcome !== 'exists') throw new Error(`writer ${writer} does not know`)
  }
  process.stdout.write(JSON.stringify(created))
}

void main()
