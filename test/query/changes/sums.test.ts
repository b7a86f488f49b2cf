/**
 * What was plus what changed is what is: the rows of a version, with the changes up to a later one applied, are the rows of the later one.
 * Held on tables whose histories a generator makes, every way of telling changes mixed, beside a model; and on golden tables.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Row, Table } from '../../../src/index.ts'
import type { Action } from '../../../src/log/actions.ts'
import { type Cells, difference, printRows } from '../../support/cells.ts'
import { goldenTables } from '../../support/conformance.ts'
import { column, HandTable, metaData, protocol, withVector } from '../../support/hand-table.ts'
import { vectorInline } from '../../support/vectors.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'varve-sums-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface ModelFile {
  readonly path: string
  readonly part: string | null
  readonly rows: readonly string[]
  deleted: ReadonlySet<number>
}

/** One change of one file, or a new one; numbers choose among what is there. */
type Step =
  | { readonly kind: 'append'; readonly rows: number; readonly part: string | null }
  | { readonly kind: 'vector'; readonly file: number; readonly flips: readonly number[] }
  | { readonly kind: 'remove' | 'optimize'; readonly file: number }
  | { readonly kind: 'update'; readonly file: number; readonly row: number; readonly withFeed: boolean }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('append' as const),
    rows: fc.integer({ min: 1, max: 6 }),
    part: fc.constantFrom('a', 'b', null),
  }),
  fc.record({ kind: fc.constant('vector' as const), file: fc.nat(9), flips: fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }) }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'optimize' as const), file: fc.nat(9) }),
  fc.record({ kind: fc.constant('update' as const), file: fc.nat(9), row: fc.nat(5), withFeed: fc.boolean() }),
)

/** A table and what its versions and changes must be: rows as `part id`, changes as `version type part id`. */
class Model {
  readonly table: HandTable
  readonly versions: string[][] = []
  readonly changes: string[][] = []
  #files: ModelFile[] = []
  #ids = 0

  constructor(path: string) {
    this.table = new HandTable(path)
    this.#record([protocol(), metaData([column('id', 'long'), column('part', 'string')], { partitionColumns: ['part'] })], [])
  }

  /** One version of several steps, each on a file of its own. Where one has change files, they tell of all. */
  async commit(steps: readonly Step[]): Promise<void> {
    const actions: Action[] = []
    const told: [type: string, part: string | null, id: string][] = []
    const touched = new Set<ModelFile>()
    let feed = false
    for (const one of steps) {
      if (one.kind === 'append') {
        const ids = Array.from({ length: one.rows }, () => String(this.#ids++))
        const file = await this.#write(ids, one.part)
        touched.add(file)
        actions.push(this.#add(file))
        told.push(...ids.map((id) => ['insert', one.part, id] as [string, string | null, string]))
        continue
      }
      const file = this.#files[one.file % Math.max(1, this.#files.length)]
      if (file === undefined || touched.has(file)) continue
      touched.add(file)
      if (one.kind === 'vector') {
        const before = file.deleted
        const after = new Set(before)
        for (const flip of one.flips) {
          const row = flip % file.rows.length
          if (!after.delete(row)) after.add(row)
        }
        actions.push(this.#remove(file))
        file.deleted = after
        actions.push(this.#add(file))
        for (const [row, id] of file.rows.entries()) {
          if (before.has(row) !== after.has(row)) told.push([after.has(row) ? 'delete' : 'insert', file.part, id])
        }
        continue
      }
      const live = file.rows.filter((_, row) => !file.deleted.has(row))
      this.#files = this.#files.filter((other) => other !== file)
      if (one.kind === 'remove') {
        actions.push(this.#remove(file))
        told.push(...live.map((id) => ['delete', file.part, id] as [string, string | null, string]))
        continue
      }
      const changed = one.kind === 'update' ? live[one.row % Math.max(1, live.length)] : undefined
      const id = changed === undefined ? undefined : String(this.#ids++)
      const fresh = await this.#write(
        live.map((old) => (old === changed ? id! : old)),
        file.part,
      )
      touched.add(fresh)
      const dataChange = one.kind === 'update'
      actions.push(this.#remove(file, dataChange), this.#add(fresh, dataChange))
      if (one.kind !== 'update') continue
      if (one.withFeed) feed = true
      if (one.withFeed && changed !== undefined) told.push(['update_preimage', file.part, changed], ['update_postimage', file.part, id!])
      else {
        told.push(...live.map((old) => ['delete', file.part, old] as [string, string | null, string]))
        told.push(...fresh.rows.map((now) => ['insert', file.part, now] as [string, string | null, string]))
      }
    }
    if (feed) actions.push(...(await this.#changeFiles(told)))
    this.#record(actions.reverse(), told)
  }

  /** Change files of all that happened, by part. */
  async #changeFiles(told: readonly [string, string | null, string][]): Promise<Action[]> {
    const parts = [...new Set(told.map(([, part]) => part))]
    return Promise.all(
      (parts.length === 0 ? [null] : parts).map(async (part) => {
        const rows = told.filter(([, other]) => other === part).map(([type, , id]) => `(${id}::BIGINT, '${type}')`)
        const values =
          rows.length === 0
            ? `SELECT 0::BIGINT AS id, '' AS _change_type WHERE false`
            : `FROM (VALUES ${rows.join(', ')}) AS t(id, _change_type)`
        const path = await this.table.file(values, { path: `_change_data/cdc-${this.table.version}-${part}.parquet` })
        return this.table.cdc(path, { partitionValues: { part } })
      }),
    )
  }

  async #write(ids: readonly string[], part: string | null): Promise<ModelFile> {
    const rows = ids.length === 0 ? 'SELECT 0::BIGINT AS id WHERE false' : `SELECT unnest([${ids.join(', ')}])::BIGINT AS id`
    const file = { path: await this.table.file(rows), part, rows: ids, deleted: new Set<number>() }
    this.#files.push(file)
    return file
  }

  #add(file: ModelFile, dataChange = true): Action {
    // Now and then the statistics say nothing.
    const stats = file.rows.length % 2 === 0 ? { stats: JSON.stringify({ numRecords: file.rows.length }) } : {}
    return this.table.add(file.path, { dataChange, partitionValues: { part: file.part }, ...stats, ...this.#vector(file) })
  }

  #remove(file: ModelFile, dataChange = true): Action {
    return this.table.remove(file.path, { dataChange, partitionValues: { part: file.part }, ...this.#vector(file) })
  }

  #vector({ deleted }: ModelFile) {
    return withVector(deleted.size === 0 ? undefined : vectorInline([...deleted].sort((a, b) => a - b)))
  }

  #record(actions: readonly Action[], told: readonly [string, string | null, string][]): void {
    const version = this.table.commit(actions)
    this.versions.push(
      this.#files.flatMap((file) => file.rows.filter((_, row) => !file.deleted.has(row)).map((id) => `${file.part} ${id}`)).sort(),
    )
    this.changes.push(told.map(([type, part, id]) => `${version} ${type} ${part} ${id}`).sort())
  }
}

const told = ({ _commit_version, _change_type, part, id }: Row) => `${_commit_version} ${_change_type} ${part} ${id}`

it('gives exactly what happened, by version, whatever way each version tells it', async () => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { maxLength: 4 }), { minLength: 2, maxLength: 7 }),
      fc.nat(),
      fc.nat(),
      async (commits, a, b) => {
        runs += 1
        const model = new Model(join(folder, `run-${runs}`))
        for (const steps of commits) await model.commit(steps)
        const last = model.table.version
        const [from, to] = [a % (last + 1), b % (last + 1)].sort((x, y) => x - y) as [number, number]
        const table = await Table.open(model.table.folder)
        const rows = await table.changes({ from, to }).toArray()
        const versions = rows.map((row) => Number(row._commit_version))
        expect(versions).toEqual([...versions].sort((x, y) => x - y))
        expect(rows.map(told).sort()).toEqual(
          model.changes
            .slice(from, to + 1)
            .flat()
            .sort(),
        )
        const was = from === 0 ? [] : (await (await table.asOf(from - 1)).scan().toArray()).map(({ part, id }) => `${part} ${id}`)
        const is = (await (await table.asOf(to)).scan().toArray()).map(({ part, id }) => `${part} ${id}`)
        expect(is.sort()).toEqual(model.versions[to])
        const gone = rows.filter(isGone).map(({ part, id }) => `${part} ${id}`)
        const come = rows.filter((row) => !isGone(row)).map(({ part, id }) => `${part} ${id}`)
        expect([...was, ...come].sort()).toEqual([...is, ...gone].sort())
      },
    ),
    { numRuns: 30, seed: 20260301 },
  )
})

function isGone({ _change_type }: Row): boolean {
  return /^(delete|update_pre)/.test(String(_change_type))
}

/** Tables whose copies lack data files, and tables of which only change files were made, without the changes. */
const leftOut = ['kernel-data/table-with-cdf', 'kernel-data/cdf-table-simple', 'kernel-data/cdf-table-update-ops']

const fed = goldenTables().filter(({ name, features }) => features.includes('property:enableChangeDataFeed') && !leftOut.includes(name))

describe.skipIf(fed.length === 0)('golden tables', () => {
  it.each(fed.map((table) => ({ name: table.name, table })))('$name: what was plus what changed is what is', async ({ table }) => {
    const opened = await Table.open(table.folder)
    const latest = await opened.version()
    let held = 0
    for (let from = 0; from < latest; from += 1) {
      const before = await rowsAt(opened, from)
      if (before === undefined) continue
      for (const to of new Set([from + 1, latest])) {
        const changes = await rowsBetween(opened, from + 1, to)
        if (changes === undefined) continue
        const after = (await rowsAt(opened, to))!
        const type = (await opened.asOf(to)).schema.fields.length
        const bare = (rows: readonly Cells[]) => rows.map((row) => row.slice(0, type))
        const gone = changes.filter((row) => /^(delete|update_pre)/.test(row[type]!))
        const come = changes.filter((row) => !/^(delete|update_pre)/.test(row[type]!))
        expect(difference([...before, ...bare(come)], [...after, ...bare(gone)]), `${from} to ${to}`).toBeUndefined()
        held += 1
      }
    }
    expect(held).toBeGreaterThan(0)
  })
})

async function rowsAt(table: Table, version: number): Promise<Cells[] | undefined> {
  try {
    return await printRows((await table.asOf(version)).scan())
  } catch {
    return undefined
  }
}

async function rowsBetween(table: Table, from: number, to: number): Promise<Cells[] | undefined> {
  try {
    return await printRows(table.changes({ from, to }))
  } catch {
    return undefined
  }
}
