/** What a run is: a model's training, or whatever else read a version of a table, and all that can be told of it. */
import type { Fingerprints } from '../../refs/fingerprints.ts'

/**
 * `running`: its process is there, on this machine. `unfinished`: it had no end recorded and its process is gone, so none will come. `started`: it
 * has no end yet, and its process cannot be looked for from here (another machine, another container). `finished` and `failed` were recorded.
 */
export type RunStatus = 'running' | 'started' | 'unfinished' | 'finished' | 'failed'

/** A version that a run read. */
export interface RunData {
  /** As people write it: the table's name, and the tag or the version. */
  readonly reference: string
  /** Whether it is a version of the table that the run is recorded in. */
  readonly own: boolean
  /** Where the table was when the run began, as a URL. */
  readonly location: string
  readonly version: number
  /** The tag that it was asked for by, else one that stood on the version; `null` where there was none. */
  readonly tag: string | null
  /** Rows, deleted ones not counted; `null` where the log could not say. */
  readonly rows: number | null
  /** All three; `rows` is null where a column holds variants, `id` where the commits that it takes were gone. */
  readonly fingerprints: Fingerprints
  /** The id of the hold that keeps it for the run, in another table than the run's. */
  readonly hold: string | null
}

/** A file, or a folder with all files in it, that a run made. */
export interface RunModel {
  /** As it was given. */
  readonly path: string
  /** Of a file its SHA-256 in hex; of a folder that of the list `<sha256> <path>\n` of its files, by path. */
  readonly sha256: string
  readonly bytes: number
  readonly files: number
}

/** What Git knew of the code. */
export interface RunCode {
  readonly commit: string
  readonly branch: string | null
  /** Whether files that Git knows differed from the commit; `null` where Git did not say. */
  readonly dirty: boolean | null
  /** SHA-256 in hex of those that differed: the same commit and the same hash are the same code. `null` where none did, or it is not known. */
  readonly diff: string | null
  /** SHA-256 in hex of files that Git neither knows nor was told to leave out, tables and what the run makes not among them. `null` as above. */
  readonly untracked: string | null
}

/** That something was done to a run afterwards. */
export interface RunMark {
  readonly time: Date
  readonly author: string | null
  /** Why; `null` where nobody said. */
  readonly message: string | null
}

/** A run: a line of `varve runs --json`. */
export interface TrainingRun {
  readonly id: string
  readonly name: string | null
  readonly status: RunStatus
  /** Whether its versions are held: until it failed, was retired, or all of them were erased. */
  readonly active: boolean
  readonly start: Date
  readonly end: Date | null
  /** The first of `data`, which is a version of this table. */
  readonly version: number
  readonly tag: string | null
  readonly fingerprints: Fingerprints
  readonly data: readonly RunData[]
  readonly parameters: Readonly<Record<string, unknown>>
  readonly seeds: Readonly<Record<string, number>>
  /** Final values: what was given as final, else the last of each. NaN and the infinities are numbers here, texts in the record. */
  readonly metrics: Readonly<Record<string, number>>
  readonly model: RunModel | null
  readonly code: RunCode | null
  readonly command: readonly string[] | null
  readonly exitCode: number | null
  /** The signal that ended the command. */
  readonly signal: string | null
  readonly host: string | null
  readonly author: string | null
  /** What did not go as asked: a file of metrics that could not be read, a model that was not there. */
  readonly notes: readonly string[]
  readonly retired: RunMark | null
  /** Set when rows that it read were erased. */
  readonly erased: (RunMark & { readonly versions: readonly number[] }) | null
}

/** A value of a metric on the way. */
export interface MetricPoint {
  readonly name: string
  readonly value: number
  /** `null`: given without a step. */
  readonly step: number | null
  readonly time: Date
}

/** All of a run: `varve run show --json`. */
export interface RunDetails extends TrainingRun {
  /** By metric, in the order in which they were given. */
  readonly steps: Readonly<Record<string, readonly Omit<MetricPoint, 'name'>[]>>
  readonly environment: RunEnvironment | null
  /** Where the command writes its metrics, while it runs. */
  readonly metricsFile: string | null
}

/** What a run ran on. */
export interface RunEnvironment {
  readonly os: { readonly name: string; readonly platform: string; readonly release: string }
  readonly runtime: { readonly node: string; readonly python: string | null }
  readonly hardware: RunHardware
  readonly dependencies: RunDependencies
}

/** The machine. */
export interface RunHardware {
  readonly cpu: string | null
  /** Logical processors. */
  readonly cpus: number
  readonly architecture: string
  /** Bytes of memory. */
  readonly memory: number
  readonly gpus: readonly { readonly name: string; readonly driver: string; readonly memory: string }[]
}

/** The exact packages. */
export interface RunDependencies {
  /** Lock files from the current folder up to the repository's, by path from the current folder. */
  readonly locks: readonly { readonly path: string; readonly sha256: string }[]
  /** What `pip freeze` says of the Python that was run; `null` where none was. */
  readonly python: readonly string[] | null
}
