/**
 * The results of work that runs side by side, once all of it has ended, whatever became of it: who takes back after a failure must know that
 * nothing is still being written. @throws the first failure, in the order given
 */
export async function allEnded<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(work)
  return ends.map((end) => {
    if (end.status === 'rejected') throw end.reason
    return end.value
  })
}
