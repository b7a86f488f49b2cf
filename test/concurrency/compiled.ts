/** Plain JavaScript of the library and a child of the tests, for tests that start hundreds of processes: a loader would be most of their time. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { project } from '../support/project.ts'

/** Compiles `src/` and one file of the tests into a temporary folder; returns the file's place there. */
export async function compiledChild(file: string): Promise<{ path: string; dispose(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'varve-compiled-'))
  const config = join(folder, 'tsconfig.json')
  const compilerOptions = {
    noEmit: false,
    noCheck: true,
    declaration: false,
    sourceMap: false,
    rootDir: project,
    outDir: folder,
    typeRoots: [join(project, 'node_modules/@types')],
  }
  await writeFile(
    config,
    JSON.stringify({ extends: join(project, 'tsconfig.json'), compilerOptions, include: [], files: [resolve(project, file)] }),
  )
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'))
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  await promisify(execFile)(process.execPath, [tsc, '-p', config])
  return { path: join(folder, file.replace(/\.ts$/, '.js')), dispose: () => rm(folder, { recursive: true, force: true }) }
}
