/**
 * What a benchmark says of itself. A case names its contenders (Varve, its peers, the floor) and the targets that its figures must
 * reach. Every contender runs in a process of its own, which stays for the whole case; the harness calls one sample of each in turn,
 * so that whatever the machine does hits all of them alike.
 */

/** Where a contender works. */
export interface Setting {
  /** Data that is kept between runs: see data.ts. */
  readonly data: string
  /** A folder of the contender's own, on the same disk, removed after the case. */
  readonly work: string
  /** Whether this is a short run, whose cases may be smaller where they say so. */
  readonly short: boolean
  /** The `node_modules` of the peers. */
  readonly peers: string
  /** DuckDB's Delta extension, for LOAD. */
  readonly deltaExtension: string
}

/** What one sample measured; `wall` (ms), `cpu` (ms, all threads and children) and `peak` (MiB of resident memory) are there always. */
export type Sample = Readonly<Record<string, number>>

/** A contender that has been set up. */
export interface Running {
  /** One measurement. What it returns stands beside, or instead of, what the harness measures around it. */
  sample(round: number): Promise<Sample | undefined>
}

/** One way of doing the work. */
export interface Contender {
  readonly name: string
  readonly role: 'varve' | 'peer' | 'floor'
  /** Sets up: opens, loads, creates. Not measured. Absent: the function of this name in `peers/contenders.py`. */
  readonly start?: (setting: Setting) => Promise<Running>
  /** A new process for every sample, and no warm-up: for peak memory and cold starts. */
  readonly fresh?: boolean
  /** How many samples at most; for what takes long and hardly varies. Default: as many as the run asks. */
  readonly samples?: number
}

/** A figure that must be reached: a metric of one contender, divided by another's of the same round where `to` is there. */
export interface Target {
  /** As a sentence: what must be at most what. */
  readonly says: string
  readonly of: string
  readonly to?: string
  /** Default `wall`. */
  readonly metric?: string
  /** The metric of `to`. Default: the same. */
  readonly toMetric?: string
  readonly atMost: number
  /** Of an absolute figure. */
  readonly unit?: string
}

/** A case of the table. */
export interface Case {
  readonly name: string
  readonly title: string
  readonly contenders: readonly Contender[]
  readonly targets: readonly Target[]
  /** Metrics beside wall, cpu and peak that the table shows. */
  readonly shows?: readonly string[]
  /** Data sets that must be there: names of data.ts. */
  readonly needs?: readonly string[]
  /** What a reader must know to read the figures. */
  readonly note?: string
  /** Whether it takes minutes, so that a short run leaves it out where it is not named. Default: `false`. */
  readonly long?: boolean
}
