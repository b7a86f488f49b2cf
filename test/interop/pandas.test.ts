/** The README's way from a pin to pandas, run as it stands there. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Table } from '../../src/index.ts'
import { runCommand } from '../support/child.ts'
import { project } from '../support/project.ts'
import { temporaryFolder } from './tables.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.dispose())

it('the rows of a pin come into pandas, without those that were deleted or came later', async () => {
  const [, code] = /```python\n([\s\S]*?)```/.exec(await readFile(join(project, 'README.md'), 'utf8'))!
  expect(code!.trim().split('\n').length).toBeLessThanOrEqual(10)
  const path = join(folder.path, 'events')
  await Table.append(path, { query: 'SELECT i AS id, i / 2 AS half FROM range(1000) t(i)' }, { create: true })
  const table = await Table.open(path)
  await table.delete({ where: 'id % 10 = 3' })
  await table.pin({ file: join(folder.path, 'events.varve') })
  await table.append([{ id: 5000n, half: 1.5 }])
  const python = join(project, '.interop/venv/bin/python')
  const {
    code: ended,
    stdout,
    stderr,
  } = await runCommand(python, ['-c', `${code}\nprint(len(frame), int(frame['id'].sum()), frame['half'].max())`], {
    cwd: folder.path,
  })
  expect({ ended, stderr }).toEqual({ ended: 0, stderr: '' })
  const kept = Array.from({ length: 1000 }, (_, i) => i).filter((i) => i % 10 !== 3)
  expect(stdout.trim().split('\n').at(-1)).toBe(`900 ${kept.reduce((a, b) => a + b, 0)} 499.5`)
})
