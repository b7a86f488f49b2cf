/** Thrift's compact protocol as a tree, read and written: what the footers and page headers of Parquet are made of. */

/** A value of a tree. Integers are bigints; a binary is bytes; a boolean field keeps its value in `type`. */
export type Value = bigint | Uint8Array | number | Struct | List | undefined

/** A field: its number, its type as the wire has it, its value. */
export interface Field {
  id: number
  type: number
  value: Value
}

/** A struct. */
export interface Struct {
  readonly fields: Field[]
}

/** A list of values of one type. */
export interface List {
  type: number
  readonly items: Value[]
}

/** Reads a struct at `start`; `end` is where it ends. */
export function readStruct(bytes: Uint8Array, start: number): { struct: Struct; end: number } {
  let at = start
  const varint = () => {
    let [value, shift] = [0n, 0n]
    for (;;) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
      shift += 7n
    }
  }
  const zigzag = () => {
    const raw = varint()
    return (raw >> 1n) ^ -(raw & 1n)
  }
  const take = (length: number) => {
    at += length
    return bytes.slice(at - length, at)
  }
  const read = (type: number): Value => {
    if (type === 1 || type === 2) return undefined
    if (type === 3) return bytes[at++]!
    if (type <= 6) return zigzag()
    if (type === 7) return take(8)
    if (type === 8) return take(Number(varint()))
    if (type === 9 || type === 10) {
      const head = bytes[at++]!
      const count = head >> 4 === 15 ? Number(varint()) : head >> 4
      const item = head & 15
      return { type: item, items: Array.from({ length: count }, () => (item <= 2 ? bytes[at++]! : read(item))) }
    }
    return struct()
  }
  const struct = (): Struct => {
    const fields: Field[] = []
    for (let id = 0; ; ) {
      const head = bytes[at++]!
      if (head === 0) return { fields }
      id = head >> 4 === 0 ? Number(zigzag()) : id + (head >> 4)
      fields.push({ id, type: head & 15, value: read(head & 15) })
    }
  }
  return { struct: struct(), end: at }
}

/** Writes a struct. */
export function writeStruct(struct: Struct): Uint8Array {
  const out: number[] = []
  const varint = (value: bigint) => {
    let rest = BigInt.asUintN(64, value)
    for (; rest >= 0x80n; rest >>= 7n) out.push(Number(rest & 0x7fn) | 0x80)
    out.push(Number(rest))
  }
  const zigzag = (value: bigint) => varint((value << 1n) ^ (value >> 63n))
  const write = (type: number, value: Value) => {
    if (value === undefined) return
    if (typeof value === 'number') out.push(value)
    else if (typeof value === 'bigint') zigzag(value)
    else if (value instanceof Uint8Array) {
      if (type === 8) varint(BigInt(value.length))
      for (const byte of value) out.push(byte)
    } else if ('items' in value) {
      if (value.items.length < 15) out.push((value.items.length << 4) | value.type)
      else {
        out.push(0xf0 | value.type)
        varint(BigInt(value.items.length))
      }
      for (const item of value.items) write(value.type, item)
    } else writeFields(value)
  }
  const writeFields = ({ fields }: Struct) => {
    let last = 0
    for (const { id, type, value } of fields) {
      if (id > last && id - last < 16) out.push(((id - last) << 4) | type)
      else {
        out.push(type)
        zigzag(BigInt(id))
      }
      write(type, value)
      last = id
    }
    out.push(0)
  }
  writeFields(struct)
  return Uint8Array.from(out)
}
