/** Changes of schemas: paths that address columns, and what every change leaves as it is. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { withKeptNames, withMapping } from '../../../src/operations/definition/column-mapping.ts'
import { type ColumnPath, findColumn, formatColumnPath, parseColumnPath } from '../../../src/schema/evolve/column-path.ts'
import { addField, dropField, moveField, renameField, setNullable, widenField } from '../../../src/schema/evolve/evolve.ts'
import { allFields } from '../../../src/schema/evolve/fields.ts'
import { field, struct } from '../../../src/schema/schema-json.ts'
import type { StructType } from '../../../src/schema/types.ts'
import { schemas } from '../arbitrary.ts'

it('reads a path from its text, whatever the names', () => {
  expect(parseColumnPath('a."b.c".`d``e`."f""g"')).toEqual(['a', 'b.c', 'd`e', 'f"g'])
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 1 }), { minLength: 1 }), (path) => {
      expect(parseColumnPath(formatColumnPath(path))).toEqual(path)
    }),
  )
  for (const text of ['', '.', 'a.', '.a', 'a..b', '"a', '"a"b', '""'])
    expect(() => parseColumnPath(text)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
})

it('finds every field by its path, and spells it as the schema does', () => {
  fc.assert(
    fc.property(schemas, (schema) => {
      for (const [path] of allFields(schema)) {
        expect(findColumn(schema, path)).toEqual(path)
        if (path.length > 1) expect(findColumn(schema, formatColumnPath(path))).toEqual(path)
        expect(
          findColumn(
            schema,
            path.map((name) => (name.toUpperCase().toLowerCase() === name.toLowerCase() ? name.toUpperCase() : name)),
          ).length,
        ).toBe(path.length)
      }
    }),
    { numRuns: 50 },
  )
})

/** What a field is in files, by its place in them. */
const physical = (schema: StructType) =>
  new Map([...allFields(schema)].map(([, { metadata }, path]) => [Number(metadata['delta.columnMapping.id']), formatColumnPath(path)]))

it('gives each field an id of its own and a name in files that stays, whatever comes and goes', () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'drop', 'rename', 'move'),
    at: fc.nat(1000),
    name: fc.stringMatching(/^[a-z]{1,3}$/),
  })
  fc.assert(
    fc.property(schemas, fc.array(step, { maxLength: 12 }), (first, steps) => {
      let { schema, properties } = withKeptNames(first, {})
      const kept = [...allFields(schema)]
      for (const [path, , names] of kept) expect(names).toEqual(path)
      const given = new Set(physical(schema).keys())
      for (const { kind, at, name } of steps) {
        const fields = [...allFields(schema)]
        const [path] = fields[at % fields.length]!
        const before = physical(schema)
        const edited = attempt(() => change(schema, kind, path, name))
        if (edited === undefined) continue
        ;({ schema, properties } = withMapping(edited, properties))
        const after = physical(schema)
        expect(after.size).toBe([...allFields(schema)].length)
        for (const [id, names] of after) {
          if (before.has(id)) expect(names).toBe(before.get(id))
          else expect(given.has(id)).toBe(false)
          given.add(id)
        }
        if (kind !== 'drop') for (const id of before.keys()) expect(after.has(id)).toBe(true)
        expect(Number(properties['delta.columnMapping.maxColumnId'])).toBe(Math.max(...given))
      }
    }),
    { numRuns: 100 },
  )
})

function change(schema: StructType, kind: string, path: ColumnPath, name: string): StructType {
  const beside = [...path.slice(0, -1), name]
  if (kind === 'add') return addField(schema, beside, field(name, struct(field('inner', 'long'))))
  if (kind === 'drop') return dropField(schema, path)
  return kind === 'rename' ? renameField(schema, path, name) : moveField(schema, path, 'first')
}

/** A change that this schema refuses is no change. */
function attempt<T>(make: () => T): T | undefined {
  try {
    return make()
  } catch (error) {
    expect((error as { code?: unknown }).code).toMatch(/DUPLICATE_COLUMN|INVALID_ARGUMENT/)
    return undefined
  }
}

it('gives the schema itself back where it is so already', () => {
  fc.assert(
    fc.property(schemas, (schema) => {
      for (const [path, { name, type, nullable }] of allFields(schema)) {
        expect(renameField(schema, path, name)).toBe(schema)
        expect(setNullable(schema, path, nullable)).toBe(schema)
        expect(setNullable(setNullable(schema, path, !nullable), path, nullable)).toEqual(schema)
        if (typeof type === 'string') expect(widenField(schema, path, type)).toBe(schema)
      }
      expect(moveField(schema, [schema.fields[0]!.name], 'first')).toBe(schema)
    }),
    { numRuns: 50 },
  )
})

it('makes decimals of bytes that would hold any integer, as the protocol asks of writers', () => {
  const schema = struct(field('b', 'byte'))
  expect(() => widenField(schema, ['b'], 'decimal(9,0)')).toThrow(expect.objectContaining({ code: 'TYPE_MISMATCH' }))
  expect(widenField(schema, ['b'], 'decimal(10,0)').fields[0]).toMatchObject({ type: 'decimal(10,0)' })
})
