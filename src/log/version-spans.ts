/** Sets of versions as ranges: ascending, apart from one another. */

/** A range of versions, both meant. */
export interface VersionSpan {
  readonly from: number
  readonly to: number
}

/** Ranges put in order, those that touch as one. */
export function joinSpans(spans: Iterable<VersionSpan>): VersionSpan[] {
  const joined: { from: number; to: number }[] = []
  for (const { from, to } of [...spans].sort((one, other) => one.from - other.from)) {
    const last = joined.at(-1)
    if (last === undefined || from > last.to + 1) joined.push({ from, to })
    else last.to = Math.max(last.to, to)
  }
  return joined
}

/** The ranges of some versions. */
export function spansOf(versions: Iterable<number>): VersionSpan[] {
  return joinSpans([...versions].map((version) => ({ from: version, to: version })))
}

/** What is left of ranges without others. */
export function withoutSpans(spans: Iterable<VersionSpan>, others: Iterable<VersionSpan>): VersionSpan[] {
  let left = joinSpans(spans)
  for (const other of others) {
    left = left.flatMap(({ from, to }) => {
      if (other.to < from || other.from > to) return [{ from, to }]
      const before = { from, to: other.from - 1 }
      const after = { from: other.to + 1, to }
      return [before, after].filter((part) => part.from <= part.to)
    })
  }
  return left
}

/** Whether one of the ranges has a version. */
export function isInSpans(spans: readonly VersionSpan[], version: number): boolean {
  return spans.some(({ from, to }) => version >= from && version <= to)
}

/** How many versions ranges have. */
export function countSpans(spans: readonly VersionSpan[]): number {
  return spans.reduce((sum, { from, to }) => sum + to - from + 1, 0)
}

/** `0 to 3, 5`. */
export function spansText(spans: readonly VersionSpan[]): string {
  return spans.map(({ from, to }) => (from === to ? `${from}` : `${from} to ${to}`)).join(', ')
}

/** The ranges that {@link spansText} wrote; none of any other text. */
export function spansOfText(text: string): VersionSpan[] {
  const spans = text.split(', ').map((part) => /^(\d{1,15})(?: to (\d{1,15}))?$/.exec(part))
  return spans.every((match) => match !== null) ? spans.map(([, from, to]) => ({ from: Number(from), to: Number(to ?? from) })) : []
}
