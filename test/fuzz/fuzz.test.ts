/**
 * Damaged tables end in the right rows or in an error with a code: no crash, no hang, no memory without end, nothing from outside the
 * table's folder. `npm run test:long` looks at a third of the damages; VARVE_FUZZ=n does all of them with the random ones n times (several
 * minutes), and VARVE_FUZZ_SEED begins elsewhere.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { campaign } from './campaign.ts'
import { makeTables } from './tables.ts'

const long = Number(process.env.VARVE_FUZZ ?? 0)
const seed = Number(process.env.VARVE_FUZZ_SEED ?? 1)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-fuzz-'))
  await mkdir(join(folder, 'src'))
  await makeTables(join(folder, 'src'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('refuses damaged tables, or reads them right', { timeout: long > 0 ? 7_200_000 : 240_000 }, async () => {
  const { variants, refused, codes, wrong } = await campaign({
    source: join(folder, 'src'),
    work: join(folder, 'work'),
    flips: long > 0 ? long : 2,
    seed: seed * 1_000_000,
    versions: long > 0 ? 9 : 2,
    processes: 2,
    only: long > 0 ? undefined : (damage, number) => number % 3 === 0 && !damage.name.startsWith('golden'),
  })
  expect(wrong).toEqual([])
  expect(variants).toBeGreaterThan(250)
  expect(refused).toBeGreaterThan(150)
  for (const code of ['LOG_CORRUPT', 'LOG_INCOMPLETE', 'DATA_FILE_CORRUPT', 'DATA_FILE_MISSING', 'PATH_OUTSIDE_ROOT', 'VECTOR_CORRUPT']) {
    expect(codes.get(code), code).toBeGreaterThan(0)
  }
  console.info(
    `Damaged tables: ${variants}, of which ${refused} are refused at some version or verb: ${[...codes].map((one) => one.join(' ')).join(', ')}.`,
  )
})
