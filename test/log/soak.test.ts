/** Memory over many versions read through one handle, in a process of its own. */
import { expect, test } from 'vitest'
import { runTypeScript } from '../support/child.ts'

test('after 1,000 versions read through one handle no more is kept than after the first hundred', async () => {
  const { code, stdout, stderr } = await runTypeScript('test/log/soak.child.ts', [])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const { early, late } = JSON.parse(stdout) as Record<'early' | 'late', { tables: number; engine: number; resident: number }>
  expect(late.tables).toBeLessThanOrEqual(early.tables)
  expect(late.engine).toBeLessThanOrEqual(early.engine + (16 << 20))
  expect(late.resident).toBeLessThanOrEqual(early.resident + (150 << 20))
}, 120_000)
