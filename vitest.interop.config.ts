import { defineConfig } from 'vitest/config'

/**
 * `npm run test:interop`: tables of ours read by Spark, delta-rs and DuckDB's Delta extension, and theirs by us. The engines are
 * installed into `.interop/` by the global setup; one process of each serves the whole run, so all files share one worker.
 */
export default defineConfig({
  test: {
    include: ['test/interop/**/*.test.ts'],
    globalSetup: ['test/interop/peers/install.ts'],
    pool: 'forks',
    isolate: false,
    fileParallelism: false,
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
