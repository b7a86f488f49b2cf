/** What differs between two runs. */
import { flatParameters } from './parameters.ts'
import type { RunData, RunDetails } from './run.ts'

/** One thing that differs; a side that lacks it has `null`. */
export interface RunDifference {
  readonly what: 'data' | 'parameter' | 'seed' | 'metric' | 'code' | 'command' | 'model' | 'package' | 'lock' | 'machine'
  readonly name: string
  readonly a: unknown
  readonly b: unknown
}

/** Two runs side by side. */
export interface RunComparison {
  readonly a: RunDetails
  readonly b: RunDetails
  /**
   * Whether they read the same: `files` byte for byte, `rows` the same rows in other files; `null` where the fingerprints do not say.
   */
  readonly sameData: 'files' | 'rows' | 'none' | null
  readonly differences: readonly RunDifference[]
}

/** Compares two runs. */
export function compareRuns(a: RunDetails, b: RunDetails): RunComparison {
  const differences: RunDifference[] = []
  const sides = (what: RunDifference['what'], one: ReadonlyMap<string, unknown>, other: ReadonlyMap<string, unknown>) => {
    for (const name of new Set([...one.keys(), ...other.keys()])) {
      const [left, right] = [one.get(name) ?? null, other.get(name) ?? null]
      if (!same(left, right)) differences.push({ what, name, a: left, b: right })
    }
  }
  sides('data', dataOf(a), dataOf(b))
  sides('parameter', flatParameters(a.parameters), flatParameters(b.parameters))
  sides('seed', of(a.seeds), of(b.seeds))
  sides('metric', of(a.metrics), of(b.metrics))
  sides('code', codeOf(a), codeOf(b))
  sides('command', of({ command: a.command?.join(' ') }), of({ command: b.command?.join(' ') }))
  sides('model', of({ sha256: a.model?.sha256 }), of({ sha256: b.model?.sha256 }))
  sides('lock', locksOf(a), locksOf(b))
  sides('package', packagesOf(a), packagesOf(b))
  sides('machine', machineOf(a), machineOf(b))
  return { a, b, sameData: sameData(a.data, b.data), differences }
}

function same(one: unknown, other: unknown): boolean {
  return Object.is(one, other) || JSON.stringify(one) === JSON.stringify(other)
}

function of(values: Readonly<Record<string, unknown>>): Map<string, unknown> {
  return new Map(Object.entries(values))
}

function dataOf({ data }: RunDetails): Map<string, unknown> {
  return new Map(data.map(({ reference, version }, at) => [at === 0 ? 'data' : `data ${at + 1}`, `${reference} (version ${version})`]))
}

function sameData(one: readonly RunData[], other: readonly RunData[]): RunComparison['sameData'] {
  if (one.length !== other.length) return 'none'
  const compared = (kind: 'files' | 'rows') => {
    const pairs = one.map(({ fingerprints }, at) => [fingerprints[kind], other[at]!.fingerprints[kind]])
    if (pairs.some(([a, b]) => a === null || b === null)) return undefined
    return pairs.every(([a, b]) => a === b)
  }
  const [files, rows] = [compared('files'), compared('rows')]
  if (files === true) return 'files'
  return rows === undefined ? null : rows ? 'rows' : 'none'
}

function codeOf({ code }: RunDetails): Map<string, unknown> {
  return of({ commit: code?.commit, changes: code?.diff, 'untracked files': code?.untracked })
}

function locksOf({ environment }: RunDetails): Map<string, unknown> {
  return new Map(environment?.dependencies.locks.map(({ path, sha256 }) => [path, sha256]))
}

function packagesOf({ environment }: RunDetails): Map<string, unknown> {
  const packages = environment?.dependencies.python ?? []
  return new Map(packages.map((line) => [line.split(/==| @ /, 1)[0]!, line]))
}

function machineOf({ environment, host }: RunDetails): Map<string, unknown> {
  if (environment === null) return new Map()
  const { os, runtime, hardware } = environment
  const gpus = hardware.gpus.map(({ name, driver }) => `${name} (driver ${driver})`).join(', ')
  return of({ host, system: `${os.name} ${os.release}`, node: runtime.node, python: runtime.python, cpu: hardware.cpu, gpu: gpus || null })
}
