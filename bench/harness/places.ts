/** Where the benchmarks keep things: everything under `.bench/` of the project. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// This file runs as bench/harness/places.ts, and compiled as .bench/js/bench/harness/places.js.
const root = fileURLToPath(new URL(import.meta.url.endsWith('.ts') ? '../..' : '../../../..', import.meta.url))
const bench = join(root, '.bench')

/** Folders and files. */
export const places = {
  root,
  bench,
  data: join(bench, 'data'),
  work: join(bench, 'work'),
  results: join(bench, 'results'),
  compiled: join(bench, 'js'),
  worker: join(bench, 'js', 'bench', 'harness', 'contender.worker.js'),
  peers: join(bench, 'peers'),
  peerModules: join(bench, 'peers', 'node_modules'),
  python: join(bench, 'peers', 'venv', 'bin', 'python'),
  pythonWorker: join(root, 'bench', 'peers', 'contenders.py'),
} as const
