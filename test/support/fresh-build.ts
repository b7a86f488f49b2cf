/**
 * Global setup of the tests that need `dist/`: builds it when a source is newer than what was built. A type error does not stop the
 * tests, since `npm run check` is there to find it; a build that leaves no output does.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { project } from './project.ts'

/** Called by Vitest once before the tests. */
export default function freshBuild(): void {
  const index = join(project, 'dist', 'index.js')
  if (existsSync(index) && newest(join(project, 'src')) < statSync(index).mtimeMs) return
  const started = Date.now()
  try {
    execFileSync(process.execPath, ['build.mjs'], { cwd: project, stdio: 'inherit' })
  } catch (error) {
    if (!existsSync(index) || statSync(index).mtimeMs < started) throw error
    console.warn('dist/ was built in spite of type errors: see npm run check:types.')
  }
}

function newest(folder: string): number {
  let time = 0
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    time = Math.max(time, statSync(join(entry.parentPath, entry.name)).mtimeMs)
  return time
}
