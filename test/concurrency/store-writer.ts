/**
 * A process that races for names in a folder: `store-writer.ts <folder> <writer> <rounds> <start>`. All begin at the time `start`
 * (milliseconds), and each prints the names that it created.
 */
import { localStore } from '../../src/storage/index.ts'
import { bytesOf } from '../support/bytes.ts'

const [folder = '', writer = '', rounds = '0', start = '0'] = process.argv.slice(2)

async function main(): Promise<void> {
  const store = localStore(folder)
  while (Date.now() < Number(start)) await new Promise((resolve) => setTimeout(resolve, 1))
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
