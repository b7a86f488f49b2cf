/** A table moved to another folder and back: what a change of it costs, and many small files, beside DVC. */
import { execFile } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Table } from '../../src/index.ts'
import type { Case, Sample } from '../harness/case.ts'
import { places } from '../harness/places.ts'

const worker = join(places.compiled, 'bench', 'cases', 'remotes-varve.worker.js')

/** Runs a push or a pull in a process of its own, from the start of node to its end. */
async function moved(verb: 'push' | 'pull', path: string, remote: string): Promise<{ wall: number; bytes: number }> {
  const began = performance.now()
  const { stdout } = await promisify(execFile)(process.execPath, [worker, verb, path, remote])
  return { wall: performance.now() - began, bytes: Number(stdout) }
}

/** One row of a hundred gets another value, scattered over all files. */
export const pushChange: Case = {
  name: 'push-change',
  long: true,
  title: 'push after changing 1% of the rows of 10,000,000, scattered over all files: share of the bytes moved',
  shows: ['share', 'first'],
  needs: ['table-10m'],
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      start: async ({ data, work }) => {
        const [path, remote] = [join(work, 't'), join(work, 'remote')]
        await cp(join(data, 'table-10m'), path, { recursive: true })
        const first = await moved('push', path, remote)
        const table = await Table.open(path)
        return {
          sample: async (round): Promise<Sample> => {
            await table.update({ where: `id % 100 = ${50 + round}`, set: { amount: '-amount - 1' } })
            const { wall, bytes } = await moved('push', path, remote)
            return { wall, share: bytes / first.bytes, first: first.wall }
          },
        }
      },
    },
    { name: 'dvc', role: 'peer', samples: 3 },
  ],
  targets: [{ says: 'bytes that a push moves after 1% changed', of: 'varve', metric: 'share', atMost: 0.02, unit: 'of all' }],
  note: 'DVC has the same rows as ten Parquet files, and moves each file that has changed',
}

const manyFiles = 10_000
const changedFiles = 10

/** Many small files, all of them new and then a few. */
export const moveMany: Case = {
  name: 'move-many',
  title: `push and pull of ${manyFiles.toLocaleString('en')} files, and again with ${changedFiles} changed: ms`,
  shows: ['push', 'pushAgain', 'pull', 'pullAgain'],
  long: true,
  contenders: [
    {
      name: 'varve',
      role: 'varve',
      fresh: true,
      samples: 3,
      start: async ({ work }) => {
        const base = join(work, 'base')
        const table = await Table.create(base, { schema: 'id BIGINT, part INTEGER', partitionBy: ['part'] })
        for (let n = 0; n < 10; n += 1) {
          const rows = `range(${n * 1000}, ${n * 1000 + 1000}) p(part), range(20) r(i)`
          await table.append({ query: `SELECT (part * 20 + i)::BIGINT AS id, part::INTEGER AS part FROM ${rows}` })
        }
        return {
          sample: async (round): Promise<Sample> => {
            const [path, remote, copy] = ['t', 'remote', 'copy'].map((name) => join(work, `${name}${round}`)) as [string, string, string]
            await cp(base, path, { recursive: true })
            // So that the push pays for its own files alone.
            await promisify(execFile)('sync')
            const push = await moved('push', path, remote)
            const pull = await moved('pull', copy, remote)
            const query = `SELECT (-part * 20 - i)::BIGINT AS id, part::INTEGER AS part FROM range(${changedFiles}) p(part), range(20) r(i)`
            await (await Table.open(path)).overwrite({ query }, { dynamic: true })
            const pushAgain = await moved('push', path, remote)
            const pullAgain = await moved('pull', copy, remote)
            for (const folder of [path, remote, copy]) await rm(folder, { recursive: true })
            return { push: push.wall, pushAgain: pushAgain.wall, pull: pull.wall, pullAgain: pullAgain.wall }
          },
        }
      },
    },
    { name: 'dvc', role: 'peer', fresh: true, samples: 1 },
  ],
  targets: [
    { says: 'push of all beside DVC', of: 'varve', to: 'dvc', metric: 'push', atMost: 1 },
    { says: 'push of what changed beside DVC', of: 'varve', to: 'dvc', metric: 'pushAgain', atMost: 0.2 },
    { says: 'pull of all beside DVC', of: 'varve', to: 'dvc', metric: 'pull', atMost: 1 },
    { says: 'pull of what changed beside DVC', of: 'varve', to: 'dvc', metric: 'pullAgain', atMost: 0.2 },
  ],
  note: 'what is timed is a process from its start to its end; of DVC push and pull alone, not the dvc add before',
}
