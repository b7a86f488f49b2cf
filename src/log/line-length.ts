/**
 * How long a line of the log may be, in bytes: the schema of a table with many thousand columns is one line. The engine sets twice as
 * much memory aside at once, so a shorter length is tried first.
 */
const lengths = [16 << 20, 256 << 20]

/** Reads lines in the engine with `maximum_object_size = longest`, and again with a greater one where a line turns out to be longer. */
export async function withLineLength<T>(read: (longest: number) => Promise<T>): Promise<T> {
  for (const longest of lengths.slice(0, -1)) {
    try {
      return await read(longest)
    } catch (error) {
      if (!(error instanceof Error && error.message.includes('maximum_object_size'))) throw error
    }
  }
  return read(lengths.at(-1)!)
}
