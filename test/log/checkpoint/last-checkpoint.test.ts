import { expect, test } from 'vitest'
import { checksumOf } from '../../../src/log/checkpoint/last-checkpoint.ts'

// The sample of the protocol (§JSON checksum), and each rule alone.
test.each([
  [
    { k0: "'v 0'", checksum: 'adsaskfljadfkjadfkj', k1: { k2: 2, k3: ['v3', [1, 2], { k4: 'v4', k5: ['v5', 'v6', 'v7'] }] } },
    '6a92d155a59bf2eecbd4b4ec7fd1f875',
  ],
  [{ checksum: 'x' }, 'd41d8cd98f00b204e9800998ecf8427e'],
])('the checksum of a hint is that of its canonical form', (hint, checksum) => {
  expect(checksumOf(hint)).toBe(checksum)
})

test('the order of names does not matter, what they hold does', () => {
  expect(checksumOf({ a: 1, b: [true, null] })).toBe(checksumOf({ b: [true, null], a: 1 }))
  expect(checksumOf({ a: [1, 2] })).not.toBe(checksumOf({ a: [2, 1] }))
})
