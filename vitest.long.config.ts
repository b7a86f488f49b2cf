import { defineConfig } from 'vitest/config'

/**
 * `npm run test:long`: damaged tables, random lives, writers that are killed at every step. They keep all cores busy by themselves, so they do not
 * stand beside other tests.
 */
export default defineConfig({
  test: {
    include: ['test/fuzz/**/*.test.ts', 'test/model/**/*.test.ts', 'test/concurrency/crashes.test.ts', 'test/log/soak.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
