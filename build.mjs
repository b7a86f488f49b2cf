/**
 * Builds dist/: declarations by the TypeScript compiler, and the code in few files, since a process that loads every source as a module
 * of its own spends longer on it than on a small query. What a verb of the command line alone needs stays in a file of its own.
 *
 * What is there is replaced when the new one is complete: other processes may be running it. Type errors are told, and end in exit 1,
 * with the code built all the same.
 */
import { spawnSync } from 'node:child_process'
import { renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = import.meta.dirname
const fresh = join(root, `.build-${process.pid}`)
const dist = join(root, 'dist')

try {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const declarations = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh], { cwd: root, stdio: 'inherit' })
  await build({
    absWorkingDir: root,
    entryPoints: ['src/index.ts', 'src/cli/main.ts'],
    outbase: 'src',
    outdir: fresh,
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  })
  rmSync(dist, { recursive: true, force: true })
  renameSync(fresh, dist)
  process.exitCode = declarations.status ?? 1
} finally {
  rmSync(fresh, { recursive: true, force: true })
}
