import { defineConfig } from 'vitest/config'
import { long } from './vitest.config.ts'

/**
 * `npm run test:long`: damaged tables, random lives, histories and queries, races, writers that are killed at every step. They keep all cores busy by themselves, so they do not
 * stand beside other tests.
 */
export default defineConfig({
  test: {
    include: long.map((path) => path.replace(/\*\*$/, '**/*.test.ts')),
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
