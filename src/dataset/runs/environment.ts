/** What a run runs on: the system, the machine, and the packages. What cannot be found out is null, and nothing of it is waited for long. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { arch, cpus, platform, release, totalmem, type } from 'node:os'
import { lockFiles, pythonOf } from './dependencies.ts'
import type { RunEnvironment, RunHardware } from './run.ts'

/** Looks around for a run in the current folder. `command`: what it runs, where that is known. */
export async function currentEnvironment(command: readonly string[] | null): Promise<RunEnvironment> {
  const [name, hardware, python, locks] = await Promise.all([systemName(), currentHardware(), pythonOf(command), lockFiles(process.cwd())])
  return {
    os: { name, platform: platform(), release: release() },
    runtime: { node: process.version, python: python?.version ?? null },
    hardware,
    dependencies: { locks, python: python?.packages ?? null },
  }
}

let hardware: Promise<RunHardware> | undefined

function currentHardware(): Promise<RunHardware> {
  hardware ??= askHardware()
  return hardware
}

async function askHardware(): Promise<RunHardware> {
  const processors = cpus()
  const model = processors[0]?.model.trim()
  return { cpu: model || null, cpus: processors.length, architecture: arch(), memory: totalmem(), gpus: await askGpus() }
}

function askGpus(): Promise<RunHardware['gpus']> {
  const args = ['--query-gpu=name,driver_version,memory.total', '--format=csv,noheader']
  return new Promise((resolve) => {
    execFile('nvidia-smi', args, { encoding: 'utf8', timeout: 10_000 }, (error, stdout) => {
      const lines = error ? [] : stdout.split('\n').filter((line) => line.trim() !== '')
      resolve(
        lines.map((line) => {
          const [name = '', driver = '', memory = ''] = line.split(',').map((part) => part.trim())
          return { name, driver, memory }
        }),
      )
    })
  })
}

/** The name of a Linux distribution, else of the system. */
async function systemName(): Promise<string> {
  try {
    const [, name] = /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(await readFile('/etc/os-release', 'utf8')) ?? []
    return name || type()
  } catch {
    return type()
  }
}
