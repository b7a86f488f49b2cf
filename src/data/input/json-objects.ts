/**
 * The texts of the top-level objects of a JSON file, one by one in bounded memory: objects one after the other (NDJSON), or the
 * elements of one array.
 * @throws what `corrupt` makes of a reason: text between objects that is none, or an object that does not end
 */
export async function* splitObjects(bytes: AsyncIterable<Uint8Array>, corrupt: (why: string) => Error): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let start = -1
  let depth = 0
  let inString = false
  let escaped = false
  let at = 0
  for await (const piece of pieces(bytes, decoder, corrupt)) {
    text += piece
    for (; at < text.length; at += 1) {
      const code = text.charCodeAt(at)
      if (inString) {
        if (escaped) escaped = false
        else if (code === backslash) escaped = true
        else if (code === quote) inString = false
      } else if (code === quote && depth > 0) inString = true
      else if (code === open) {
        if (depth === 0) start = at
        depth += 1
      } else if (code === close && depth > 0) {
        depth -= 1
        if (depth === 0) {
          yield text.slice(start, at + 1)
          text = text.slice(at + 1)
          at = -1
          start = -1
        }
      } else if (depth === 0 && !between.has(code))
        throw corrupt(`there is ${JSON.stringify(text.slice(at, at + 20))} where an object should be`)
    }
  }
  if (depth > 0) throw corrupt('its last object does not end')
}

const quote = 0x22
const backslash = 0x5c
const open = 0x7b
const close = 0x7d
/** What may stand between objects: white space, commas, the brackets of the array, a byte order mark. */
const between = new Set([0x20, 0x09, 0x0a, 0x0d, 0x2c, 0x5b, 0x5d, 0xfeff])

async function* pieces(
  bytes: AsyncIterable<Uint8Array>,
  decoder: InstanceType<typeof TextDecoder>,
  corrupt: (why: string) => Error,
): AsyncGenerator<string> {
  try {
    for await (const piece of bytes) yield decoder.decode(piece, { stream: true })
    yield decoder.decode()
  } catch (error) {
    throw error instanceof TypeError ? corrupt('it is not UTF-8') : error
  }
}
