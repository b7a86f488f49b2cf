/** What a script pays that asks one question and ends. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Case, Contender } from '../harness/case.ts'
import { places } from '../harness/places.ts'

function script(name: string, role: Contender['role'], file: string): Contender {
  return {
    name,
    role,
    start: async ({ data }) => ({
      sample: () =>
        new Promise((resolve, reject) => {
          const args = [join(places.compiled, 'bench', 'cases', file), join(data, 'table-1m')]
          const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
          child.once('error', reject)
          child.once('exit', (code) => (code === 0 ? resolve(undefined) : reject(new Error(`${file} ended with ${code}`))))
        }),
    }),
  }
}

/** Import, open, query, print, end. */
export const firstQuery: Case = {
  name: 'first-query',
  title: 'first query in a fresh process: 1,000,000 rows in 10 files, from the start of node to its end',
  needs: ['table-1m'],
  contenders: [
    script('varve', 'varve', 'first-query-varve.worker.js'),
    script('DuckDB’s own start and scan', 'floor', 'first-query-duckdb.worker.js'),
    script('node alone', 'floor', 'first-query-nothing.worker.js'),
  ],
  targets: [{ says: 'beside DuckDB’s own start and scan of the same files', of: 'varve', to: 'DuckDB’s own start and scan', atMost: 2 }],
}
