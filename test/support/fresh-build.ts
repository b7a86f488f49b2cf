/**
 * Global setup of the tests that need `dist/`: builds it when a source is newer than what was built. A type error does not stop the
 * tests, since `npm run check` is there to find it; a build that leaves no output does.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { project } from './project.ts'

/** Called by Vitest once before the tests. */
export default function freshBuild(): void {
  const built = join(project, 'dist')
  if (existsSync(join(built, 'index.js')) && newest(join(project, 'src')) < statSync(join(built, 'index.js')).mtimeMs) return
  rmSync(built, { recursive: true, force: true })
  try {
    execFileSync(process.execPath, [join(project, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
      cwd: project,
      stdio: 'inherit',
    })
  } catch (error) {
    if (!existsSync(join(built, 'index.js'))) throw error
    console.warn('dist/ was built in spite of type errors: see npm run check:types.')
  }
}

function newest(folder: string): number {
  let time = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    time = Math.max(time, statSync(join(entry.parentPath, entry.name)).mtimeMs)
  return time
}
