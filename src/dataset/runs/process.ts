/**
 * Which process a run belongs to, and whether it is still there. A number alone says little: numbers are used again, and another machine or
 * container has its own. So a process is known by the boot that it belongs to, its namespace, its number and when it was started.
 */
import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'

/** A process, as a record keeps it. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it was started, as the system spells it; `null` where it does not say. */
  readonly started: string | null
  /** The boot and the namespace of its number; `null` where the system does not say. */
  readonly machine: string | null
}

/** The current process. */
export async function currentProcess(): Promise<ProcessIdentity> {
  return { pid: process.pid, started: (await startOf(process.pid)) ?? null, machine: await machineOf() }
}

/** Whether a process is there; `undefined` where that cannot be told from here. */
export async function isThere({ pid, started, machine }: ProcessIdentity): Promise<boolean | undefined> {
  if (machine === null || started === null || machine !== (await machineOf())) return undefined
  try {
    process.kill(pid, 0)
  } catch (error) {
    const errno = (error as NodeJS.ErrnoException).code
    if (errno === 'ESRCH') return false
    if (errno !== 'EPERM') return undefined
  }
  const found = await startOf(pid)
  return found === undefined ? undefined : found === started
}

let machine: Promise<string | null> | undefined

function machineOf(): Promise<string | null> {
  machine ??= askMachine()
  return machine
}

async function askMachine(): Promise<string | null> {
  try {
    if (process.platform !== 'linux') return (await output('sysctl', ['-n', 'kern.bootsessionuuid'])) ?? null
    const [boot, namespace] = await Promise.all([readFile('/proc/sys/kernel/random/boot_id', 'utf8'), readlink('/proc/self/ns/pid')])
    return `${boot.trim()} ${namespace}`
  } catch {
    return null
  }
}

/** When a process was started; `gone` for one that has ended and is not yet forgotten; `undefined` where the system does not say. */
async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return output('ps', ['-o', 'lstart=', '-p', String(pid)])
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8')
    // The name in brackets may hold anything, brackets too. After it come the state, and as the twentieth field the start.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' || fields[0] === 'X' ? 'gone' : fields[19]
  } catch {
    return undefined
  }
}

function output(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, args, { encoding: 'utf8', timeout: 5000 }, (error, stdout) =>
      resolve(error || stdout.trim() === '' ? undefined : stdout.trim()),
    )
  })
}
