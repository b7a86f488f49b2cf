/** Writers of columns that are made of others: lists, maps, structs and dictionaries. */
import { ValueError } from '../../errors/index.ts'
import type { Binding, LogicalType, Vector } from '../binding.ts'
import { entryBytes } from '../vectors.ts'
import { type ArrowData, type ArrowField, ArrowTypeId, malformed, valueOffsets } from './arrow-shape.ts'
import { decodeDictionary } from './dictionaries.ts'
import { countBits } from './validity-builder.ts'
import { type ColumnWriter, Scratch, writeBytes, writeValidity } from './writer.ts'

/** Lists with 32-bit or 64-bit offsets or of one length, and maps. */
export class ListWriter implements ColumnWriter {
  readonly #binding: Binding
  readonly #field: ArrowField
  readonly #child: ColumnWriter
  readonly #scratch = new Scratch()

  constructor(binding: Binding, field: ArrowField, child: ColumnWriter) {
    this.#binding = binding
    this.#field = field
    this.#child = child
  }

  logicalType(): LogicalType {
    const binding = this.#binding
    if (this.#field.type.typeId !== ArrowTypeId.Map) return binding.create_list_type(this.#child.logicalType())
    const entries = this.#child.logicalType()
    return binding.create_map_type(binding.struct_type_child_type(entries, 0), binding.struct_type_child_type(entries, 1))
  }

  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void {
    const binding = this.#binding
    const child = data.children?.[0]
    if (child === undefined) throw malformed(this.#field.name)
    const validity = writeValidity(binding, vector, data, start, count, outer)
    const { first, offsets } = this.#ranges(data, child, start, count)
    const entries = this.#scratch.bytes(count * entryBytes)
    const words = new Uint32Array(entries.buffer, 0, count * 4)
    for (let row = 0; row < count; row++) {
      const valid = validity === undefined || ((validity[row >> 3]! >> (row & 7)) & 1) === 1
      words[row * 4] = offsets[row]! - first
      words[row * 4 + 1] = 0
      words[row * 4 + 2] = valid ? offsets[row + 1]! - offsets[row]! : 0
      words[row * 4 + 3] = 0
    }
    writeBytes(binding, vector, entries.subarray(0, count * entryBytes))
    const total = offsets[count]! - first
    binding.list_vector_reserve(vector, total)
    binding.list_vector_set_size(vector, total)
    if (total === 0) return
    if (this.#field.type.typeId === ArrowTypeId.Map) this.#checkKeys(child, first, total)
    this.#child.write(binding.list_vector_get_child(vector), child, first, total)
  }

  /** Where each row's elements begin in the child, and where the last row's end. */
  #ranges(data: ArrowData, child: ArrowData, start: number, count: number): { first: number; offsets: Int32Array } {
    const { listSize } = this.#field.type
    if (this.#field.type.typeId !== ArrowTypeId.FixedSizeList || listSize === undefined) {
      const offsets = valueOffsets(data, start, count, child.length, this.#field.name)
      return { first: offsets[0]!, offsets }
    }
    if (child.length < (start + count) * listSize) throw malformed(this.#field.name)
    const offsets = Int32Array.from({ length: count + 1 }, (_, row) => (start + row) * listSize)
    return { first: start * listSize, offsets }
  }

  #checkKeys(entries: ArrowData, first: number, total: number): void {
    const keys = entries.children?.[0]
    if (keys === undefined || keys.nullCount === 0 || !keys.nullBitmap?.byteLength) return
    if (countBits(keys.nullBitmap, keys.offset + first, total) === total) return
    throw new ValueError('NOT_NULL_VIOLATED', `A map of the column ${JSON.stringify(this.#field.name)} has a NULL key.`, {
      remedy: 'Leave such entries out.',
      data: { column: this.#field.name },
    })
  }
}

export class StructWriter implements ColumnWriter {
  readonly #binding: Binding
  readonly #field: ArrowField
  readonly #children: readonly ColumnWriter[]
  readonly #names: readonly string[]

  constructor(binding: Binding, field: ArrowField, children: readonly ColumnWriter[]) {
    this.#binding = binding
    this.#field = field
    this.#names = (field.type.children ?? []).map((child) => child.name)
    this.#children = children
  }

  logicalType(): LogicalType {
    const types = this.#children.map((child) => child.logicalType())
    return this.#binding.create_struct_type(types, this.#names)
  }

  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void {
    const validity = writeValidity(this.#binding, vector, data, start, count, outer)
    for (const [index, child] of this.#children.entries()) {
      const childData = data.children?.[index]
      if (childData === undefined || childData.length < start + count) throw malformed(this.#field.name)
      child.write(this.#binding.struct_vector_get_child(vector, index), childData, start, count, validity)
    }
  }
}

/** A dictionary's values, looked up for the rows of each chunk. */
export class DictionaryWriter implements ColumnWriter {
  readonly #values: ColumnWriter
  readonly #name: string

  constructor(name: string, values: ColumnWriter) {
    this.#name = name
    this.#values = values
  }

  logicalType(): LogicalType {
    return this.#values.logicalType()
  }

  write(vector: Vector, data: ArrowData, start: number, count: number, outer?: Uint8Array): void {
    this.#values.write(vector, decodeDictionary(data, start, count, this.#name), 0, count, outer)
  }
}
