/**
 * The records of runs. Each is made once and never changed:
 *
 *   _varve/runs/<id>/start.json          what the run reads and what it runs on, before it begins: `{ versions, data, name, parameters, ... }`
 *   _varve/runs/<id>/metrics/<n>.json    metrics on the way, as they come: `{ points: [{ name, value, step, time }] }`
 *   _varve/runs/<id>/end.json            how it ended: `{ status, end, metrics, model, exitCode, signal, notes }`
 *   _varve/runs/<id>/retired.json        that its versions need not be held any more: `{ time, author, message }`
 *   _varve/runs/<id>/erased.json         that rows it read were erased: `{ versions, time, author, message }`
 *
 * So a crash loses nothing that was recorded: a run without its end tells what it was, and its metrics so far.
 */

import { corruptRecord, type JsonRecord, putRecord, readRecord } from '../../log/records.ts'
import type { Fingerprints } from '../../refs/fingerprints.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { type FlatMetric, finalValues, numberOf, storedNumber } from './metrics.ts'
import { isThere, type ProcessIdentity } from './process.ts'
import type { MetricPoint, RunCode, RunData, RunDetails, RunEnvironment, RunMark, RunModel, RunStatus, TrainingRun } from './run.ts'

/** What is recorded of a run before it begins. */
export interface RunStart {
  /** Those of this table: what holds read. */
  readonly versions: readonly number[]
  readonly data: readonly RunData[]
  readonly name: string | null
  readonly parameters: Readonly<Record<string, unknown>>
  readonly seeds: Readonly<Record<string, number>>
  readonly command: readonly string[] | null
  readonly metricsFile: string | null
  readonly code: RunCode | null
  readonly environment: RunEnvironment
  readonly process: ProcessIdentity
  readonly host: string
  readonly author: string | null
  readonly start: Date
}

/** What is recorded of its end. */
export interface RunEnd {
  readonly status: 'finished' | 'failed'
  readonly end: Date
  /** Final values. */
  readonly metrics: Readonly<Record<string, number>>
  readonly model: RunModel | null
  readonly exitCode: number | null
  readonly signal: string | null
  readonly notes: readonly string[]
}

/** What a run was when it began. */
export type RunBeginning = Pick<TrainingRun, 'id' | 'name' | 'start' | 'data'>

/** The records that a run has. */
export interface RunParts {
  readonly id: string
  readonly names: ReadonlySet<string>
  /** Numbers of its records of metrics, ascending. */
  readonly metrics: readonly number[]
}

const folder = '_varve/runs/'

/** Records read at a time. */
const together = 64

/** The versions of its own table that a run reads, ascending. */
export function ownVersions(data: readonly Pick<RunData, 'own' | 'version'>[]): number[] {
  return [...new Set(data.filter(({ own }) => own).map(({ version }) => version))].sort((a, b) => a - b)
}

/** Makes a record of a run. `false`: it has another of that name. @throws what `putRecord` throws */
export function putPart(
  store: ObjectStore,
  id: string,
  name: 'start' | 'retired',
  record: RunStart | RunMark,
  signal?: AbortSignal,
): Promise<boolean> {
  return putRecord(store, keyOf(id, name), { ...record }, signal)
}

/** Makes the record of a run's end. `false`: it had one. @throws what `putRecord` throws */
export function putEnd(store: ObjectStore, id: string, end: RunEnd, signal?: AbortSignal): Promise<boolean> {
  const metrics = Object.fromEntries(Object.entries(end.metrics).map(([name, value]) => [name, storedNumber(value)]))
  return putRecord(store, keyOf(id, 'end'), { ...end, metrics }, signal)
}

/** Makes a record of metrics under a number. `false`: it is taken. @throws what `putRecord` throws */
export function putPoints(store: ObjectStore, id: string, number: number, points: readonly MetricPoint[]): Promise<boolean> {
  const stored = points.map((point) => ({ ...point, value: storedNumber(point.value) }))
  return putRecord(store, keyOf(id, `metrics/${number}`), { points: stored })
}

/** All runs by their records. @throws storage errors */
export async function listParts(store: ObjectStore, signal?: AbortSignal): Promise<RunParts[]> {
  const found = new Map<string, { id: string; names: Set<string>; metrics: number[] }>()
  for await (const { key } of store.list(folder, { signal })) {
    const [, id, name, number] = /^([^/]+)\/(start|end|retired|erased|metrics\/(\d{1,15}))\.json$/.exec(key.slice(folder.length)) ?? []
    if (id === undefined || name === undefined) continue
    const parts = found.get(id) ?? { id, names: new Set(), metrics: [] }
    found.set(id, parts)
    if (number === undefined) parts.names.add(name)
    else parts.metrics.push(Number(number))
  }
  for (const { metrics } of found.values()) metrics.sort((a, b) => a - b)
  // Without its start nothing is known of a run: it is none, and vacuum will say so.
  return [...found.values()].filter(({ names }) => names.has('start'))
}

/** Does something for each run, some at a time. */
export async function forEachRun<T>(parts: readonly RunParts[], work: (parts: RunParts) => Promise<T>): Promise<T[]> {
  const done: T[] = []
  for (let at = 0; at < parts.length; at += together) done.push(...(await Promise.all(parts.slice(at, at + together).map(work))))
  return done
}

/** Reads what a run was when it began. @throws LogError RECORD_CORRUPT; storage errors */
export async function readStart(store: ObjectStore, { id }: RunParts, signal?: AbortSignal): Promise<RunBeginning> {
  const start = await partOf(store, id, 'start', signal)
  return { id, name: textOf(start.name), start: timeOf(start.start), data: dataOf(store, id, start) }
}

/** Reads a run. @throws LogError RECORD_CORRUPT; storage errors */
export async function readRun(store: ObjectStore, parts: RunParts, signal?: AbortSignal): Promise<TrainingRun> {
  return (await read(store, parts, signal)).run
}

/** Reads a run with all that is known of it. @throws LogError RECORD_CORRUPT; storage errors */
export async function readDetails(store: ObjectStore, parts: RunParts, signal?: AbortSignal): Promise<RunDetails> {
  const { run, start } = await read(store, parts, signal)
  const points = await readPoints(store, parts, signal)
  const steps = new Map<string, Omit<MetricPoint, 'name'>[]>()
  for (const { name, ...point } of points) {
    const before = steps.get(name)
    if (before) before.push(point)
    else steps.set(name, [point])
  }
  return {
    ...run,
    steps: Object.fromEntries(steps),
    environment: isRecord(start.environment) ? (start.environment as unknown as RunEnvironment) : null,
    metricsFile: textOf(start.metricsFile),
  }
}

async function read(store: ObjectStore, parts: RunParts, signal?: AbortSignal): Promise<{ run: TrainingRun; start: JsonRecord }> {
  const { id, names } = parts
  const part = async (name: string) => (names.has(name) ? await partOf(store, id, name, signal) : undefined)
  const [start = {}, end, retired, erased] = [await part('start'), await part('end'), await part('retired'), await part('erased')]
  const data = dataOf(store, id, start)
  const [first] = data
  const status = await statusOf(start, end)
  const gone = new Set(erased ? versionsOf(erased.versions) : [])
  const metrics = end ? metricsOf(end.metrics) : finalValues(await readPoints(store, parts, signal))
  const run: TrainingRun = {
    id,
    name: textOf(start.name),
    status,
    active: status !== 'failed' && retired === undefined && data.some(({ own, version }) => !(own && gone.has(version))),
    start: timeOf(start.start),
    end: end ? timeOf(end.end) : null,
    version: first!.version,
    tag: first!.tag,
    fingerprints: first!.fingerprints,
    data,
    parameters: isRecord(start.parameters) ? start.parameters : {},
    seeds: metricsOf(start.seeds),
    metrics,
    model: isRecord(end?.model) ? (end.model as unknown as RunModel) : null,
    code: isRecord(start.code) ? (start.code as unknown as RunCode) : null,
    command: Array.isArray(start.command) ? start.command.map(String) : null,
    exitCode: typeof end?.exitCode === 'number' ? end.exitCode : null,
    signal: textOf(end?.signal),
    host: textOf(start.host),
    author: textOf(start.author),
    notes: Array.isArray(end?.notes) ? end.notes.map(String) : [],
    retired: retired ? markOf(retired) : null,
    erased: erased ? { ...markOf(erased), versions: [...gone] } : null,
  }
  return { run, start }
}

async function partOf(store: ObjectStore, id: string, name: string, signal: AbortSignal | undefined): Promise<JsonRecord> {
  const record = await readRecord(store, keyOf(id, name), signal)
  if (record === undefined) throw corruptRecord(store, keyOf(id, name), 'it is listed, and cannot be found')
  return record
}

async function readPoints(store: ObjectStore, { id, metrics }: RunParts, signal: AbortSignal | undefined): Promise<MetricPoint[]> {
  const points: MetricPoint[] = []
  for (const number of metrics) {
    const record = await partOf(store, id, `metrics/${number}`, signal)
    for (const point of Array.isArray(record.points) ? record.points : []) {
      const value = isRecord(point) ? numberOf(point.value) : undefined
      if (value === undefined) continue
      const { name, step, time } = point as JsonRecord
      points.push({ name: String(name), value, step: typeof step === 'number' ? step : null, time: timeOf(time) })
    }
  }
  return points
}

async function statusOf(start: JsonRecord, end: JsonRecord | undefined): Promise<RunStatus> {
  if (end) return end.status === 'failed' ? 'failed' : 'finished'
  if (!isRecord(start.process)) return 'started'
  const there = await isThere(start.process as unknown as ProcessIdentity)
  return there === undefined ? 'started' : there ? 'running' : 'unfinished'
}

/** @throws LogError RECORD_CORRUPT where it names no version */
function dataOf(store: ObjectStore, id: string, start: JsonRecord): RunData[] {
  const listed = Array.isArray(start.data) ? start.data.filter(isRecord) : []
  const data = listed.length > 0 ? listed : [{ own: true, version: start.version }]
  return data.map((one) => {
    const { version } = one
    if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0)
      throw corruptRecord(store, keyOf(id, 'start'), 'it says no version')
    return {
      reference: textOf(one.reference) ?? `@${version}`,
      own: one.own === true,
      location: textOf(one.location) ?? store.root,
      version,
      tag: textOf(one.tag),
      rows: typeof one.rows === 'number' ? one.rows : null,
      fingerprints: fingerprintsOf(one.fingerprints),
      hold: idOf(one.hold),
    }
  })
}

function fingerprintsOf(value: unknown): Fingerprints {
  const of = isRecord(value) ? value : {}
  return { id: textOf(of.id), files: textOf(of.files), rows: textOf(of.rows) }
}

function metricsOf(value: unknown): Record<string, number> {
  const found: Pick<FlatMetric, 'name' | 'value'>[] = []
  for (const [name, stored] of Object.entries(isRecord(value) ? value : {})) {
    const number = numberOf(stored)
    if (number !== undefined) found.push({ name, value: number })
  }
  return Object.fromEntries(found.map(({ name, value: number }) => [name, number]))
}

function markOf({ time, author, message }: JsonRecord): RunMark {
  return { time: timeOf(time), author: textOf(author), message: textOf(message) }
}

function versionsOf(value: unknown): number[] {
  return Array.isArray(value) ? value.filter((version) => typeof version === 'number') : []
}

/** An id becomes part of a key. */
function idOf(value: unknown): string | null {
  return typeof value === 'string' && /^[0-9a-f-]{36}$/.test(value) ? value : null
}

function timeOf(value: unknown): Date {
  return new Date(typeof value === 'string' ? value : Number.NaN)
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function keyOf(id: string, name: string): string {
  return `${folder}${id}/${name}.json`
}
