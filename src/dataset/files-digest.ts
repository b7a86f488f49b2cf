/** The digest of a version's files: the same only where they are the same to the byte (spec/fingerprint.md). */
import { createHash } from 'node:crypto'
import { columnNaming, physicalName } from '../data/index.ts'
import { vectorId } from '../data/vectors/descriptor.ts'
import { activeProperties, type LiveFile, schemaOf, type TableState } from '../log/index.ts'
import { columnsText, sized } from './canonical-rows.ts'
import type { Hashes } from './hashes.ts'

/** The digest; `null` where the hash of a file or of a vector is not known. */
export function filesDigest(state: TableState, live: readonly LiveFile[], hashes: Hashes): string | null {
  const schema = schemaOf(state.metadata)
  const { partitionColumns } = state.metadata
  const naming = columnNaming(activeProperties(state))
  const physical = partitionColumns.map((name) => {
    const field = schema.fields.find((one) => one.name === name)
    return field === undefined ? name : physicalName(field, naming)
  })
  const lines: string[] = []
  for (const { path, add } of live) {
    const file = hashes.files.get(path)
    const vector = !add.deletionVector ? '-' : hashes.vectors.get(vectorId(add.deletionVector))
    if (file === undefined || vector === undefined) return null
    const values = physical.map((name) => partitionText(Object.hasOwn(add.partitionValues, name) ? add.partitionValues[name] : null))
    lines.push(`${file} ${vector} ${values.join('')}\n`)
  }
  const head = `varve files 1\n${columnsText(schema)}\n${partitionColumns.map((name) => `${sized(name)},`).join('')}\n`
  const hash = createHash('sha256').update(head)
  for (const line of lines.map((line) => Buffer.from(line)).sort(Buffer.compare)) hash.update(line)
  return hash.digest('hex')
}

/** The protocol takes an empty text for NULL. */
function partitionText(value: string | null | undefined): string {
  return value === null || value === undefined || value === '' ? ',' : `${sized(value)},`
}
