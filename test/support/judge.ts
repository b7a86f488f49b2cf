/**
 * The judgement of golden tables: each version and each case of a table right, refused by name, without its data, or wrong.
 *
 * A refusal is accepted only where {@link refusals} gives the reason, and missing data only where the copy's folder has no such file;
 * whatever else is no success is wrong.
 */
import { Table, VarveError } from '../../src/index.ts'
import type { GoldenCase, GoldenTable } from './conformance.ts'
import { changesCase, errorCase, readCase, wrongFacts, wrongRows } from './golden-cases.ts'
import { nameOf, ranges, readVersions } from './golden-versions.ts'

/** How a version or a case came out. */
export type Outcome = 'right' | 'refused' | 'data missing' | 'wrong'

/** One thing that was judged. */
export interface Finding {
  /** `whole table`, `versions`, or the id of a case. */
  readonly what: string
  readonly outcome: Outcome
  /** How many versions or cases it stands for. */
  readonly count: number
  /** The error, or what differs. */
  readonly detail: string
}

/** Why a table, or versions of it, cannot be read: the error, and a reason for a reader of the page. */
export interface Refusal {
  readonly error: string
  readonly why: string
  /** The versions. Default: the whole table. */
  readonly versions?: string
}

/** All refusals that are right. */
export const refusals: Readonly<Record<string, Refusal>> = {
  'delta-rs/checkpoints_tombstones': { error: 'TABLE_NOT_FOUND', why: 'the folder has no log' },
  'delta-rs/simple_table_features': { error: 'UNSUPPORTED_FEATURE reader version 5', why: 'no such version of the protocol exists' },
  'delta-rs/delta-live-table': { error: 'NO_COLUMNS', why: 'its first version has no columns', versions: '0' },
  'kernel-data/crc-malformed': { error: 'TABLE_NOT_FOUND', why: 'the folder has no log, only a checksum' },
  'kernel-data/table-with-geo': { error: 'UNSUPPORTED_FEATURE geospatial', why: 'the feature is no part of the protocol' },
}

/** Columns whose statistics were written by hand: the files do not have them. */
const invented: Readonly<Record<string, readonly string[]>> = { 'kernel-data/parsed-stats': ['ts_col'] }

const judged = new Map<string, Promise<readonly Finding[]>>()

/** Judges a table; once a process. */
export function judge(table: GoldenTable): Promise<readonly Finding[]> {
  const known = judged.get(table.name) ?? judgeTable(table)
  judged.set(table.name, known)
  return known
}

/** The outcome of a table: the worst of its findings. */
export function outcomeOf(findings: readonly Finding[]): Outcome {
  const order: readonly Outcome[] = ['wrong', 'refused', 'data missing', 'right']
  return order.find((outcome) => findings.some((finding) => finding.outcome === outcome)) ?? 'right'
}

/** The line of totals that the README repeats. */
export function totals(all: readonly (readonly Finding[])[]): string {
  const tables = (outcome: Outcome) => all.filter((findings) => outcomeOf(findings) === outcome).length
  const sum = (outcome: Outcome, versions: boolean) =>
    all
      .flat()
      .filter((finding) => finding.outcome === outcome && (finding.what === 'versions') === versions)
      .reduce((count, finding) => count + finding.count, 0)
  return `${all.length} golden tables: ${tables('right')} right at every version (${sum('right', true)} versions, ${sum('right', false)} expected results), ${tables('refused')} refused by name, ${tables('data missing')} whose copies lack data files, ${tables('wrong')} wrong.`
}

async function judgeTable(table: GoldenTable): Promise<readonly Finding[]> {
  const refusal = refusals[table.name]
  const whole = await errorOf(() => Table.open(table.folder).then((opened) => opened.latest()))
  if (whole !== undefined || (refusal !== undefined && refusal.versions === undefined)) {
    const accepted = whole !== undefined && whole === refusal?.error
    return [
      {
        what: 'whole table',
        outcome: accepted ? 'refused' : 'wrong',
        count: 1,
        detail: accepted ? `${whole}: ${refusal.why}` : `${whole}`,
      },
    ]
  }
  if (table.mustFail) return [{ what: 'whole table', outcome: 'wrong', count: 1, detail: 'it must be refused' }]
  const findings = await judgeVersions(table, refusal)
  for (const one of table.cases) findings.push(await judgeCase(table, one, refusal))
  return findings
}

async function judgeVersions(table: GoldenTable, refusal: Refusal | undefined): Promise<Finding[]> {
  const { right, failed, wrong, missingIndeed, rows, latest } = await readVersions(table, invented[table.name] ?? [])
  const finding = (outcome: Outcome, count: number, detail: string): Finding => ({ what: 'versions', outcome, count, detail })
  const findings = right.length === 0 ? [] : [finding('right', right.length, '')]
  for (const [error, versions] of failed) {
    const where = ranges(versions)
    if (error === refusal?.error && where === refusal.versions)
      findings.push(finding('refused', versions.length, `${where}: ${error}: ${refusal.why}`))
    else
      findings.push(
        finding(error === 'DATA_FILE_MISSING' && missingIndeed ? 'data missing' : 'wrong', versions.length, `${where}: ${error}`),
      )
  }
  for (const difference of wrong) findings.push(finding('wrong', 1, difference))
  if (latest !== table.latestVersion) findings.push(finding('wrong', 1, `the latest is ${latest}, not ${table.latestVersion}`))
  if (rows !== undefined && table.rowCount !== null && rows !== table.rowCount)
    findings.push(finding('wrong', 1, `${rows} rows, not ${table.rowCount}`))
  return findings
}

async function judgeCase(table: GoldenTable, one: GoldenCase, refusal: Refusal | undefined): Promise<Finding> {
  const finding = (outcome: Outcome, detail: string): Finding => ({ what: one.id, outcome, count: 1, detail })
  try {
    if (one.kind === 'error') {
      // What another engine cannot do is no promise that nobody can.
      if (one.op === 'read') return finding('right', '')
      const error = await errorOf(() => errorCase(table, one))
      return error === undefined ? finding('wrong', 'it must fail') : finding('right', error)
    }
    const wrong =
      one.kind === 'assert'
        ? await wrongFacts(table, one)
        : wrongRows(await (one.kind === 'read' ? readCase(table, one) : changesCase(table, one)))
    return wrong === undefined ? finding('right', '') : finding('wrong', wrong)
  } catch (error) {
    if (error instanceof VarveError)
      return finding(nameOf(error) === refusal?.error ? 'refused' : 'wrong', `${nameOf(error)}: ${error.message}`)
    throw error
  }
}

async function errorOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    if (error instanceof VarveError) return nameOf(error)
    throw error
  }
}
