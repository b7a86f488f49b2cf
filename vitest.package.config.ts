import { defineConfig } from 'vitest/config'

/** `npm run check:package`: the packed tarball, installed and used by projects of its own. */
export default defineConfig({
  test: {
    include: ['test/package/**/*.test.ts'],
    globalSetup: ['test/support/fresh-build.ts'],
    pool: 'forks',
    testTimeout: 240_000,
    hookTimeout: 240_000,
  },
})
