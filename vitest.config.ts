import { rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Tests that run the built command line, or look at the package: `dist/` is made fresh before them. */
const built = ['test/cli/**/*.test.ts', 'test/docs.test.ts', 'test/exports.test.ts']

const cache = join(tmpdir(), `varve-test-cache-${process.pid}`)
process.on('exit', () => rmSync(cache, { recursive: true, force: true }))

/** Tests of several minutes, which `npm run test:long` runs. */
export const long = [
  'test/fuzz/**',
  'test/model/**',
  'test/concurrency/**',
  'test/log/soak.test.ts',
  'test/log/histories.test.ts',
  'test/query/skipping/golden-answers.test.ts',
  'test/query/skipping/random-queries.test.ts',
]

const common = {
  pool: 'forks' as const,
  // Loading the library for each file anew takes as long as a quarter of the tests.
  isolate: false,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // Whoever pins is noted in the cache of the machine, which is none of the tests'.
  env: { XDG_CACHE_HOME: cache },
}

/** `npm test`. The packaging and interop tests, which install things, and the long ones have configurations of their own. */
export default defineConfig({
  test: {
    // Vitest's own choice on two cores is one file at a time, and many tests wait for disks and children.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        test: {
          ...common,
          name: 'house',
          include: ['test/**/*.test.ts'],
          exclude: ['test/interop/**', 'test/package/**', ...long, ...built],
        },
      },
      { test: { ...common, testTimeout: 60_000, name: 'built', include: built, globalSetup: ['test/support/fresh-build.ts'] } },
    ],
  },
})
