import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { allEnded } from '../../src/storage/index.ts'

test('results come in order, and a failure when everything has ended', async () => {
  expect(await allEnded([wait(5, 'a'), wait(1, 'b')])).toEqual(['a', 'b'])
  let ended = false
  const slow = wait(20).then(() => {
    ended = true
  })
  await expect(allEnded([slow, Promise.reject(new RangeError('first')), Promise.reject(new TypeError('second'))])).rejects.toThrow(
    RangeError,
  )
  expect(ended).toBe(true)
})
