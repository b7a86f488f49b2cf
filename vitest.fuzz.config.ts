import { defineConfig } from 'vitest/config'

/** `npm run test:fuzz`: damaged tables. It keeps all cores busy by itself, so it does not stand beside other tests. */
export default defineConfig({
  test: { include: ['test/fuzz/**/*.test.ts'], pool: 'forks', testTimeout: 30_000, hookTimeout: 60_000 },
})
