/** One-off work in the peers' Python. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { places } from './places.ts'

/** Calls a function of `peers/contenders.py` with arguments. */
export async function runPython(name: string, args: readonly string[]): Promise<void> {
  await promisify(execFile)(places.python, [places.pythonWorker, '--call', name, ...args], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  })
}
