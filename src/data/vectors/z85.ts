/** Z85, the form of Base85 that descriptors of deletion vectors are written in (§Deletion Vectors): five characters for four bytes. */

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'

const values = new Map([...alphabet].map((digit, value) => [digit, value]))

/** The bytes of a text; `undefined` where it is no Z85. */
export function decodeZ85(text: string): Uint8Array | undefined {
  if (text.length % 5 !== 0) return undefined
  const bytes = new Uint8Array((text.length / 5) * 4)
  const view = new DataView(bytes.buffer)
  for (let group = 0; group < text.length / 5; group++) {
    let word = 0
    for (let i = 0; i < 5; i++) {
      const value = values.get(text[5 * group + i]!)
      if (value === undefined) return undefined
      word = word * 85 + value
    }
    if (word > 0xffffffff) return undefined
    view.setUint32(4 * group, word)
  }
  return bytes
}

/** The text of bytes, which zeros are added to until four make up a group. */
export function encodeZ85(bytes: Uint8Array): string {
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4)
  padded.set(bytes)
  const view = new DataView(padded.buffer)
  let text = ''
  for (let at = 0; at < padded.length; at += 4) {
    const word = view.getUint32(at)
    for (let power = 85 ** 4; power >= 1; power /= 85) text += alphabet[Math.floor(word / power) % 85]
  }
  return text
}
