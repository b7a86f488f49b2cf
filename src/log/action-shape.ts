/**
 * Whether an action has the shape that the protocol gives it (§Actions), where another one would lead astray later on: a number that is
 * text, a list that is an object, a path that is not there. What the protocol leaves to writers (commitInfo, tags, statistics) is not
 * looked at, but for its depth.
 */

import type { CommitInfo, VarveCommitInfo } from './actions.ts'

/** Objects and lists in one another; nobody's log comes near, and code that walks them stays off the end of the stack. */
const deepest = 100

/** The last instant that a Date can hold, in milliseconds. */
const lastInstant = 8.64e15

type Check = (value: unknown) => boolean

const isText: Check = (value) => typeof value === 'string'
const isCount: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
const isWhole: Check = (value) => typeof value === 'bigint' || Number.isSafeInteger(value)
const isFlag: Check = (value) => typeof value === 'boolean'
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText)
const isTextMap: Check = (value) => isObject(value) && Object.values(value).every((one) => one === null || isText(one))

/** A check of a field; `?` before its name: it may be absent or null. */
type Shape = Readonly<Record<string, Check>>

const vector: Shape = { storageType: isText, pathOrInlineDv: isText, '?offset': isWhole, sizeInBytes: isCount, cardinality: isCount }

const file: Shape = {
  path: (value) => isText(value) && value !== '',
  '?partitionValues': isObject,
  '?size': isCount,
  '?modificationTime': isWhole,
  '?deletionTimestamp': isWhole,
  '?deletionVector': (value) => problemIn(value, vector) === undefined,
}

const shapes: Readonly<Record<string, Shape>> = {
  add: file,
  remove: file,
  cdc: file,
  protocol: { '?readerFeatures': isTexts, '?writerFeatures': isTexts },
  metaData: { '?schemaString': isText, '?partitionColumns': isTexts, '?configuration': isTextMap, '?id': isText, '?format': isObject },
  txn: { appId: isText, version: isWhole },
  domainMetadata: { domain: isText, '?configuration': isText, '?removed': isFlag },
  commitInfo: {},
}

/** What is wrong with an action of a kind, in a few words; `undefined` where nothing is. Kinds that are not known are never wrong. */
export function shapeProblem(kind: string, action: unknown): string | undefined {
  const shape = Object.hasOwn(shapes, kind) ? shapes[kind] : undefined
  if (shape === undefined) return undefined
  const problem = problemIn(action, shape)
  if (problem !== undefined) return `${kind}${problem}`
  return isShallow(action, deepest) ? undefined : `${kind} is nested too deeply`
}

/** Whether a value has at most so many objects and lists in one another. */
export function isShallow(value: unknown, levels: number = deepest): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  for (const one of Array.isArray(value) ? value : Object.values(value)) if (!isShallow(one, levels - 1)) return false
  return true
}

/** A commit's account of itself without the fields that are of another type than they should be: they are a help, and no more. */
export function tidyInfo(info: CommitInfo): CommitInfo {
  const kept = Object.entries(info).filter(([name, value]) => !Object.hasOwn(infoFields, name) || infoFields[name]!(value))
  return Object.fromEntries(kept) as CommitInfo
}

const isOurs = (value: unknown): value is VarveCommitInfo =>
  isObject(value) &&
  (value.parent === null || isText(value.parent)) &&
  (value.source === undefined || isText(value.source)) &&
  (value.txn === undefined || (isObject(value.txn) && isText(value.txn.appId) && isWhole(value.txn.version)))

const infoFields: Readonly<Record<string, Check>> = {
  timestamp: isWhole,
  inCommitTimestamp: (value) => isCount(value) && Number(value) <= lastInstant,
  operation: isText,
  operationParameters: isObject,
  operationMetrics: isObject,
  engineInfo: isText,
  txnId: isText,
  userMetadata: isText,
  varve: isOurs,
}

function problemIn(value: unknown, shape: Shape): string | undefined {
  if (!isObject(value)) return ' is no object'
  for (const [key, check] of Object.entries(shape)) {
    const optional = key.startsWith('?')
    const name = optional ? key.slice(1) : key
    const field = Object.hasOwn(value, name) ? value[name] : undefined
    if (optional && (field === undefined || field === null)) continue
    if (!check(field)) return `.${name} is ${field === undefined || field === null ? 'missing' : 'of another type than it should be'}`
  }
  return undefined
}
