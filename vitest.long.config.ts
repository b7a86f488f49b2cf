import { defineConfig } from 'vitest/config'

/**
 * `npm run test:long`: damaged tables, random lives and histories, races, writers that are killed at every step. They keep all cores busy by themselves, so they do not
 * stand beside other tests.
 */
export default defineConfig({
  test: {
    include: [
      'test/fuzz/**/*.test.ts',
      'test/model/**/*.test.ts',
      'test/concurrency/**/*.test.ts',
      'test/log/soak.test.ts',
      'test/log/histories.test.ts',
      'test/query/skipping/golden-answers.test.ts',
    ],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
