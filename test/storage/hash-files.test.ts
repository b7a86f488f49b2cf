import { expect, it } from 'vitest'
import { AbortedError } from '../../src/index.ts'
import { hashFiles } from '../../src/storage/index.ts'

it('leaves files that take long when it is told to, and lets the process end', async () => {
  const stop = new AbortController()
  // A file without an end, which a thread would read for ever.
  const hashing = hashFiles(['/dev/zero'], 2 ** 40, { threads: 1, signal: stop.signal })
  setTimeout(() => stop.abort(), 50)
  await expect(hashing).rejects.toThrow(AbortedError)
  await expect(hashFiles(['/dev/zero'], 2 ** 40, { signal: stop.signal })).rejects.toThrow(AbortedError)
})
