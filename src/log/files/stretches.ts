/**
 * The stretches of history that a handle has loaded, and the states and files of versions out of them.
 *
 * The first version that is asked for loads its own segment. A later one soon after it moves that stretch on; one before it, or farther
 * off, makes it longer where what lies between is not too much to read, and more so the oftener versions are asked for here and there.
 */
import { LogError } from '../../errors/index.ts'
import type { ObjectStore } from '../../storage/object-store.ts'
import { commitInfoOf, readCommitIfThere } from '../commit.ts'
import { diagnosing, isDamage, overSegment } from '../over-segment.ts'
import { findSegment, type Segment, type SegmentOptions } from '../segment.ts'
import { checkpointState } from '../small-actions.ts'
import { StateBuilder, type TableState } from '../state.ts'
import { hold, isLoaded, unload } from './loaded.ts'
import { Timeline } from './timeline.ts'

/** So many commits more are read rather than another checkpoint; at first, and at most. */
const reach = { least: 1_000, most: 10_000 }

/** Actions that a stretch made longer may hold for each file of its checkpoint, and at least. */
const mostActions = 250_000

/** What a version's files are asked for by. */
export interface Wanted {
  readonly version: number
  readonly options: SegmentOptions
  /** Makes sure of what was loaded; a failure is that of the checkpoint. */
  readonly check?: ((timeline: Timeline) => Promise<void>) | undefined
}

/** A stretch that is kept until it is released. */
interface Held {
  readonly timeline: Timeline
  release(): Promise<void>
}

const dropped = new FinalizationRegistry<Set<Timeline>>((timelines) => {
  for (const timeline of timelines) void unload(timeline).catch(() => undefined)
})

/** What one handle has loaded. */
export class Stretches {
  readonly #store: ObjectStore
  readonly #timelines = new Set<Timeline>()
  readonly #states = new WeakMap<Timeline, Promise<TableState | undefined>>()
  /** Checkpoints and compactions that turned out to be unusable. */
  readonly #without = new Set<string>()
  #misses = 0
  #turn: Promise<unknown> = Promise.resolve()

  constructor(store: ObjectStore) {
    this.#store = store
    dropped.register(this, this.#timelines)
  }

  /** Runs work on a stretch that tells of a version. Damage that shows only then leads to another stretch. @throws LogError */
  async use<T>(wanted: Wanted, work: (timeline: Timeline) => Promise<T>): Promise<T> {
    for (;;) {
      // One load after the other: the next caller may find what it needs.
      const { timeline, release } =
        this.#held(wanted.version) ?? (await this.#inTurn(async () => this.#held(wanted.version) ?? this.#load(wanted)))
      try {
        return await work(timeline)
      } catch (error) {
        const checkpoint = timeline.segment.checkpoint
        if (!isDamage(error) || !checkpoint || !(await this.#isUnreadable(timeline))) throw error
        for (const key of checkpoint.keys) this.#without.add(key)
        await this.#forget(timeline)
      } finally {
        await release()
      }
    }
  }

  /** The state of a version, without counts. */
  state(wanted: Wanted, signal?: AbortSignal): Promise<TableState> {
    return this.use(wanted, async (timeline) => {
      const { version } = wanted
      const builder = new StateBuilder(await this.#baseState(timeline))
      const end = timeline.small.findIndex((entry) => entry.version > version)
      const small = (end < 0 ? timeline.small : timeline.small.slice(0, end)).map(({ action }) => action)
      if (version > timeline.first || !timeline.segment.checkpoint) builder.applyCompaction(small, await timeline.actionsUpTo(version))
      const own = await readCommitIfThere(this.#store, version, signal)
      const { inCommitTimestamp, txnId } = own ? commitInfoOf(own) : {}
      return { ...builder.build(version), inCommitTimestamp, txnId }
    })
  }

  /** Whether a version is loaded. */
  has(version: number): boolean {
    return this.#answering(version) !== undefined
  }

  #answering(version: number): Timeline | undefined {
    for (const timeline of this.#timelines) {
      if (!isLoaded(timeline)) this.#timelines.delete(timeline)
      else if (timeline.answers(version)) return timeline
    }
    return undefined
  }

  #held(version: number): Held | undefined {
    const timeline = this.#answering(version)
    return timeline && { timeline, release: hold(timeline) }
  }

  async #load(wanted: Wanted): Promise<Held> {
    const { version } = wanted
    const near = Math.min(reach.most, reach.least * 4 ** Math.min(this.#misses, 10))
    this.#misses += 1
    for (const timeline of this.#timelines) {
      if (timeline.last >= version || version - timeline.last > near || !isCheap(timeline, version - timeline.last)) continue
      const commits = Array.from({ length: version - timeline.last }, (_, i) => timeline.last + 1 + i)
      const segment = { version, checkpoint: undefined, commits, compactions: [] }
      const release = hold(timeline)
      try {
        await diagnosing(this.#store, segment, () => timeline.extend(this.#store, version))
        return { timeline, release }
      } catch (error) {
        await release()
        // Where a cleanup took the commits between, a checkpoint may still tell.
        if (!(error instanceof LogError && error.code === 'LOG_GAP')) throw error
      }
    }
    const options = { ...wanted.options, without: new Set([...(wanted.options.without ?? []), ...this.#without]) }
    const timeline =
      (await this.#longer(wanted, near, options)) ??
      (await overSegment(this.#store, version, options, (segment) => this.#loadChecked(segment, wanted, options.signal)))
    this.#timelines.add(timeline)
    return { timeline, release: hold(timeline) }
  }

  async #loadChecked(segment: Segment, { check }: Wanted, signal: AbortSignal | undefined, later?: Timeline): Promise<Timeline> {
    const timeline = await Timeline.load(this.#store, segment, signal, later)
    try {
      await check?.(timeline)
      return timeline
    } catch (error) {
      await timeline.close()
      throw error
    }
  }

  /** Makes a stretch that begins later begin at a version, or before it. */
  async #longer(wanted: Wanted, near: number, options: SegmentOptions): Promise<Timeline | undefined> {
    const { version } = wanted
    for (const timeline of this.#timelines) {
      if (version > timeline.last || timeline.last - version > near || !isCheap(timeline, timeline.last - version)) continue
      // As much again before it, so that versions ever farther back do not load all of it anew each time.
      const begin =
        (await this.#begin(2 * version - timeline.last, timeline.last, options)) ?? (await this.#begin(version, timeline.last, options))
      if (!begin) continue
      const first = begin.checkpoint?.version ?? -1
      const commits = Array.from({ length: timeline.last - first }, (_, i) => first + 1 + i)
      const whole: Segment = { version: timeline.last, checkpoint: begin.checkpoint, commits, compactions: [] }
      // Whatever keeps it from being made, the version's own segment is what counts.
      // Others may have taken its room meanwhile.
      const later = isLoaded(timeline) ? timeline : undefined
      const release = later && hold(later)
      const made = await this.#loadChecked(whole, wanted, options.signal, later).catch(() => undefined)
      await release?.()
      const covered = made ? [...this.#timelines].filter(({ first, last }) => first >= made.first && last <= made.last) : []
      for (const each of covered) await this.#forget(each)
      return made
    }
    return undefined
  }

  async #forget(timeline: Timeline): Promise<void> {
    this.#timelines.delete(timeline)
    await unload(timeline)
  }

  /** Where a stretch may begin that has a version, and ends at `last`; `undefined` where it would be too long, or cannot begin. */
  async #begin(version: number, last: number, options: SegmentOptions): Promise<Segment | undefined> {
    const segment = await findSegment(this.#store, Math.max(0, version), { ...options, compactions: false }).catch(() => undefined)
    return segment && last - (segment.checkpoint?.version ?? -1) <= reach.most ? segment : undefined
  }

  #baseState(timeline: Timeline): Promise<TableState | undefined> {
    let state = this.#states.get(timeline)
    if (!state) {
      const { checkpoint } = timeline.segment
      state = checkpoint ? checkpointState(this.#store, checkpoint) : Promise.resolve(undefined)
      this.#states.set(timeline, state)
      state.catch(() => this.#states.delete(timeline))
    }
    return state
  }

  /** Whether a failure comes from a checkpoint whose columns cannot be read, or that is gone. */
  async #isUnreadable({ base, connection }: Timeline): Promise<boolean> {
    if (!base) return false
    const everything = Object.values(base.columns).map((column) => `count(${column})`)
    return connection.all(`SELECT ${everything.join(', ')} FROM ${base.from}`).then(
      () => false,
      (error: unknown) => isDamage(error),
    )
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work, work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }
}

/** Whether so many commits more are likely to be few actions, by those that are there. */
function isCheap(timeline: Timeline, commits: number): boolean {
  const here = timeline.last - timeline.first
  const each = here > 0 ? timeline.actions / here : 1
  return timeline.actions + each * commits <= mostActions
}
