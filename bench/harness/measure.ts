/** Time, processor time and memory of this process. */
import { readFileSync } from 'node:fs'
import type { Sample } from './case.ts'

/** Clock ticks a second of `/proc`. */
const ticks = 100

/** Runs `work` and measures it: wall and processor milliseconds, and the peak of resident memory in MiB since the process began. */
export async function measured(work: () => Promise<Sample | undefined>): Promise<Sample> {
  const children = childMilliseconds()
  const processor = process.cpuUsage()
  const began = performance.now()
  const own = await work()
  const wall = performance.now() - began
  const used = process.cpuUsage(processor)
  return { wall, cpu: (used.user + used.system) / 1000 + childMilliseconds() - children, peak: peakMemory(), ...own }
}

/** The highest resident memory of this process so far, in MiB. */
function peakMemory(): number {
  const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))
  return Number(line?.[1] ?? 0) / 1024
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** A quantile, by linear interpolation. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (sorted.length - 1) * q
  const below = sorted[Math.floor(at)] ?? Number.NaN
  const above = sorted[Math.ceil(at)] ?? Number.NaN
  return below + (above - below) * (at - Math.floor(at))
}

// Processes that have ended: the fields cutime and cstime, after the name in brackets.
function childMilliseconds(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')
  return ((Number(fields[13]) + Number(fields[14])) * 1000) / ticks
}
