/**
 * When each row of one file lived, out of the deletion vectors that the file had one after the other. Rows with the same history are told
 * apart from others only once: rows that no vector ever deleted are one kind, and every change of vectors makes few kinds more.
 */
import { RowSet } from '../../data/vectors/row-set.ts'

/** From one version until before another; until the end where `removed` is not there. */
export interface Life {
  readonly added: number
  readonly removed: number | undefined
}

/** The rows of a file by their lives. */
export interface RowLives {
  /** The rows of each kind but the first, which is all others. */
  readonly kinds: readonly RowSet[]
  /** The lives of each kind, the first among them; none where its rows never lived. */
  readonly lives: readonly (readonly Life[])[]
}

/** What a file was for a time: its rows but those deleted. */
export interface DeletedRows extends Life {
  readonly deleted: RowSet
}

/** Rows with one history. */
interface Kind {
  /** `undefined`: all rows that are of no other kind. */
  readonly rows: RowSet | undefined
  readonly lives: readonly Life[]
  /** Since when they live; `undefined` where they are deleted. */
  readonly since: number | undefined
}

/** The rows of a file by their lives. The times of the file follow one another and do not overlap. */
export async function rowLives(times: AsyncIterable<DeletedRows>): Promise<RowLives> {
  let kinds: readonly Kind[] = [{ rows: undefined, lives: [], since: undefined }]
  let before: DeletedRows | undefined
  for await (const time of times) {
    const follows = before !== undefined && before.removed === time.added
    if (before !== undefined && !follows) kinds = kinds.map((kind) => ended(kind, before!.removed))
    const gone = follows ? time.deleted.difference(before!.deleted) : undefined
    const back = follows ? before!.deleted.difference(time.deleted) : undefined
    kinds = split(
      kinds,
      gone ?? time.deleted,
      (kind) => kind.since !== undefined || !follows,
      (kind) => ended(kind, time.added),
    )
    if (follows)
      kinds = split(
        kinds,
        back!,
        (kind) => kind.since === undefined,
        (kind) => ({ ...kind, since: time.added }),
      )
    else kinds = kinds.map((kind) => (kind.rows !== undefined && !isLive(kind.rows, time.deleted) ? kind : { ...kind, since: time.added }))
    before = time
  }
  const all = kinds.map((kind) => ended(kind, before?.removed))
  return { kinds: all.slice(1).map(({ rows }) => rows!), lives: all.map(({ lives }) => lives) }
}

/** Takes the rows of a set out of the kinds that are meant, and makes kinds of their own of them. */
function split(kinds: readonly Kind[], rows: RowSet, meant: (kind: Kind) => boolean, change: (kind: Kind) => Kind): readonly Kind[] {
  if (rows.size === 0) return kinds
  const known = kinds.reduce((all, kind) => (kind.rows === undefined ? all : all.union(kind.rows)), RowSet.empty)
  const [kept, made]: [Kind[], Kind[]] = [[], []]
  for (const kind of kinds) {
    if (!meant(kind)) {
      kept.push(kind)
      continue
    }
    const outside = kind.rows?.difference(rows)
    const inside = kind.rows === undefined ? rows.difference(known) : kind.rows.difference(outside!)
    if (inside.size > 0) made.push(change({ ...kind, rows: inside }))
    if (outside === undefined || outside.size > 0) kept.push({ ...kind, rows: outside })
  }
  return [...kept, ...made]
}

/** Whether rows are not deleted: a kind has been split, so one of them speaks for all. */
function isLive(rows: RowSet, deleted: RowSet): boolean {
  return !deleted.has(rows.first)
}

function ended({ rows, lives, since }: Kind, removed: number | undefined): Kind {
  return { rows, lives: since === undefined ? lives : [...lives, { added: since, removed }], since: undefined }
}
