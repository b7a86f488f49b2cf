/**
 * Global setup of the tests that need `dist/`: builds it when a source is newer than what was built. A type error does not stop the
 * tests, since `npm run check` is there to find it; a build that leaves no output does.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { project } from './project.ts'

/** Called by Vitest once before the tests. */
export default function freshBuild(): void {
  const built = join(project, 'dist')
  if (existsSync(join(built, 'index.js')) && newest(join(project, 'src')) < statSync(join(built, 'index.js')).mtimeMs) return
  // Built aside: other processes may be running what is there.
  const fresh = join(project, `.build-${process.pid}`)
  const tsc = join(project, 'node_modules/typescript/bin/tsc')
  try {
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh], { cwd: project, stdio: 'inherit' })
  } catch (error) {
    if (!existsSync(join(fresh, 'index.js'))) throw error
    console.warn('dist/ was built in spite of type errors: see npm run check:types.')
  }
  rmSync(built, { recursive: true, force: true })
  renameSync(fresh, built)
}

function newest(folder: string): number {
  let time = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    time = Math.max(time, statSync(join(entry.parentPath, entry.name)).mtimeMs)
  return time
}
