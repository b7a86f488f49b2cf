import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemFailure } from './failures.ts'
import type { Staging } from './object-store.ts'

/** A temporary folder of our own outside any table, under the system's. Its name starts with `prefix`; `dispose` removes it with all in it. */
export async function scratchFolder(prefix: string): Promise<Staging> {
  try {
    const folder = await realpath(await mkdtemp(join(tmpdir(), prefix)))
    return { folder, dispose: () => rm(folder, { recursive: true, force: true }) }
  } catch (error) {
    throw systemFailure(error, 'write', '', tmpdir())
  }
}
