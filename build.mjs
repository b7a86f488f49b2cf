/**
 * Builds dist/: declarations by the TypeScript compiler, the library and the command line in few files each.
 *
 * - A process that loads every source as a module of its own spends longer on it than on a small query. What a verb of the command line alone
 *   needs stays in a file of its own.
 * - The library leaves its dependencies to whoever installs it: Arrow's classes must be those of its user. The command line hands none out, so
 *   it has them inside, which halves the time until it begins; their licences lie beside it. DuckDB's binding is native and stays outside.
 * - What is there is replaced when the new one is complete: other processes may be running it. Type errors are told, and end in exit 1, with the
 *   code built all the same.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const root = import.meta.dirname
const fresh = join(root, `.build-${process.pid}`)
const dist = join(root, 'dist')

/** @type {import('esbuild').BuildOptions} */
const options = {
  absWorkingDir: root,
  outbase: 'src',
  outdir: fresh,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  logLevel: 'warning',
}

try {
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const declarations = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh], { cwd: root, stdio: 'inherit' })
  await build({ ...options, entryPoints: ['src/index.ts'], packages: 'external' })
  const { metafile } = await build({
    ...options,
    entryPoints: ['src/cli/main.ts'],
    external: ['@duckdb/node-bindings'],
    sourcemap: false,
    chunkNames: 'cli/[name]-[hash]',
    metafile: true,
    // Packages in the older module format ask for Node's own modules by `require`.
    banner: { js: "import { createRequire as varveRequire } from 'node:module'; const require = varveRequire(import.meta.url);" },
  })
  writeFileSync(join(fresh, 'cli', 'LICENSES.txt'), licences(Object.keys(metafile.inputs)))
  rmSync(dist, { recursive: true, force: true })
  renameSync(fresh, dist)
  process.exitCode = declarations.status ?? 1
} finally {
  rmSync(fresh, { recursive: true, force: true })
}

/** The licences of the packages that files are from. */
function licences(files) {
  const packages = new Set(files.flatMap((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []))
  return [...packages]
    .sort()
    .map((name) => {
      const folder = join(root, 'node_modules', name)
      const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
      const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file))
      return [`${name} ${version} (${license})`, ...texts.map((file) => readFileSync(join(folder, file), 'utf8').trim())].join('\n\n')
    })
    .join(`\n\n${'-'.repeat(80)}\n\n`)
}
