/** Walking through all fields of a schema. */
import type { DataType, StructField } from '../types.ts'
import type { ColumnPath } from './column-path.ts'

/** All fields inside a type, nested ones too: the path of each, itself, and its path in physical names (§Column Mapping). */
export function* allFields(
  type: DataType,
  path: ColumnPath = [],
  physical: ColumnPath = path,
): Generator<readonly [path: ColumnPath, field: StructField, physical: ColumnPath]> {
  if (typeof type === 'string') return
  if (type.type === 'array') yield* allFields(type.elementType, [...path, 'element'], [...physical, 'element'])
  else if (type.type === 'map') {
    yield* allFields(type.keyType, [...path, 'key'], [...physical, 'key'])
    yield* allFields(type.valueType, [...path, 'value'], [...physical, 'value'])
  } else {
    for (const field of type.fields) {
      const name = field.metadata['delta.columnMapping.physicalName']
      const [here, below] = [
        [...path, field.name],
        [...physical, typeof name === 'string' ? name : field.name],
      ]
      yield [here, field, below]
      yield* allFields(field.type, here, below)
    }
  }
}
