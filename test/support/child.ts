/** Child processes of the tests: TypeScript files under tsx, and the built command line. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { project } from './project.ts'

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** How a process ended. `code` is null where `signal` ended it. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** What a child process gets beside its arguments. */
export interface ChildOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string | Uint8Array
}

/** Starts a TypeScript file of the tests (a path from the project's root, or absolute) in a process of its own. */
export function startTypeScript(file: string, args: readonly string[] = [], options: ChildOptions = {}): ChildProcess {
  return start(['--import', tsx, resolve(project, file), ...args], options)
}

/** Runs a TypeScript file of the tests to its end. */
export function runTypeScript(file: string, args: readonly string[] = [], options: ChildOptions = {}): Promise<Ended> {
  return ended(startTypeScript(file, args, options), options.input)
}

/** Starts the built command line. */
export function startVarve(args: readonly string[], options: ChildOptions = {}): ChildProcess {
  return start([join(project, 'bin/varve.js'), ...args], options)
}

/** Runs the built command line to its end. */
export function varve(args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return ended(startVarve(args, options), options.input)
}

/** Runs any command to its end. */
export function runCommand(command: string, args: readonly string[], options: ChildOptions = {}): Promise<Ended> {
  return ended(start(args, options, command), options.input)
}

/** Waits for a process; what it printed is read as UTF-8. */
export function ended(child: ChildProcess, input?: string | Uint8Array): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] }
    child.stdout?.on('data', (chunk) => chunks.stdout.push(chunk))
    child.stderr?.on('data', (chunk) => chunks.stderr.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(chunks.stdout).toString(), stderr: Buffer.concat(chunks.stderr).toString() }),
    )
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

function start(args: readonly string[], options: ChildOptions, command = process.execPath): ChildProcess {
  const env = { ...process.env, NODE_OPTIONS: '', VITEST: undefined, ...options.env }
  return spawn(command, args, { cwd: options.cwd ?? project, env, stdio: ['pipe', 'pipe', 'pipe'] })
}
