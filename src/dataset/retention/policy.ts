/**
 * The retention policy of a table: which versions stay. It is kept in the table's properties, so that whoever lets go of old versions obeys the
 * same one:
 *
 *   varve.retain.keepLast   10      varve.retain.keepTags   true       varve.retain.archive   file:///archive/events/
 *   varve.retain.keepDays   90      varve.retain.keepRuns   active
 */
import { UsageError } from '../../errors/index.ts'

/** Which versions stay, besides the newest and those that a pin or a clone holds. */
export interface RetentionPolicy {
  /** So many of the newest versions stay. `null`: it says nothing of them. */
  readonly keepLast: number | null
  /** Versions that were the newest at some time in the last so many days stay. `null`: it says nothing of them. */
  readonly keepDays: number | null
  /** Whether tagged versions stay. Where not, a tag on a version that ends is removed, with a record that says why. */
  readonly keepTags: boolean
  /** Versions of runs that did not fail and were not retired stay: always, since a model may be in use. */
  readonly keepRuns: 'active'
  /** The location of the table that takes what ends; `null`: it is dropped. */
  readonly archive: string | null
}

const prefix = 'varve.retain.'

/** The policy that a table keeps, with what is asked for besides. @throws UsageError NO_POLICY, INVALID_ARGUMENT, INVALID_PROPERTY */
export function policyFor(configuration: Readonly<Record<string, string>>, asked: Partial<RetentionPolicy>, root: string): RetentionPolicy {
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as Partial<RetentionPolicy>
  const kept = keptPolicy(configuration)
  if (kept === undefined && Object.keys(given).length === 0) {
    throw new UsageError('NO_POLICY', `${root} keeps no retention policy, and none was given.`, {
      remedy: 'Say what is to stay, such as keepLast: 10, keepDays: 90 (--keep-last 10 --keep-days 90).',
      data: { root },
    })
  }
  const policy = { keepLast: null, keepDays: null, keepTags: true, keepRuns: 'active' as const, archive: null, ...kept, ...given }
  check(policy)
  return policy
}

/** The table's properties with the policy; the very same ones where it is kept already. */
export function withPolicy(configuration: Readonly<Record<string, string>>, policy: RetentionPolicy): Readonly<Record<string, string>> {
  const others = Object.entries(configuration).filter(([name]) => !name.startsWith(prefix))
  const own = Object.entries(policy).flatMap(([name, value]) => (value === null ? [] : [[`${prefix}${name}`, String(value)] as const]))
  const next = Object.fromEntries([...others, ...own])
  const isSame =
    Object.keys(next).length === Object.keys(configuration).length && own.every(([name, value]) => configuration[name] === value)
  return isSame ? configuration : next
}

/** The policy in words, for the history. */
export function policyText({ keepLast, keepDays, keepTags, keepRuns, archive }: RetentionPolicy): string {
  const parts = [
    keepLast === null ? [] : [`keep-last ${keepLast}`],
    keepDays === null ? [] : [`keep-days ${keepDays}`],
    keepTags ? ['keep-tags'] : ['no-keep-tags'],
    [`keep-runs ${keepRuns}`],
    archive === null ? [] : [`archive ${archive}`],
  ]
  return parts.flat().join(', ')
}

function keptPolicy(configuration: Readonly<Record<string, string>>): Partial<RetentionPolicy> | undefined {
  const value = (name: keyof RetentionPolicy): string | undefined => configuration[`${prefix}${name}`]
  const number = (name: 'keepLast' | 'keepDays') => {
    const text = value(name)
    if (text === undefined) return null
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw wrongProperty(name, text, 'no whole number')
  }
  if (!Object.keys(configuration).some((name) => name.startsWith(prefix))) return undefined
  const [tags, runs] = [value('keepTags') ?? 'true', value('keepRuns') ?? 'active']
  if (tags !== 'true' && tags !== 'false') throw wrongProperty('keepTags', tags, 'neither true nor false')
  if (runs !== 'active') throw wrongProperty('keepRuns', runs, 'not active')
  return {
    keepLast: number('keepLast'),
    keepDays: number('keepDays'),
    keepTags: tags === 'true',
    keepRuns: runs,
    archive: value('archive') ?? null,
  }
}

function check({ keepLast, keepDays, keepTags, keepRuns }: RetentionPolicy): void {
  const isCount = (value: number | null, least: number) => value === null || (Number.isSafeInteger(value) && value >= least && value < 1e9)
  const wrong = !isCount(keepLast, 1)
    ? `keepLast is a whole number from 1 on, not ${String(keepLast)}`
    : !isCount(keepDays, 0)
      ? `keepDays is a whole number from 0 on, not ${String(keepDays)}`
      : typeof keepTags !== 'boolean'
        ? `keepTags is true or false, not ${String(keepTags)}`
        : keepRuns !== 'active'
          ? `keepRuns is 'active', not ${String(keepRuns)}`
          : undefined
  if (wrong === undefined) return
  throw new UsageError('INVALID_ARGUMENT', `In a retention policy ${wrong}.`, { remedy: 'Give another value, or leave it out.' })
}

function wrongProperty(name: string, value: string, why: string): UsageError {
  return new UsageError('INVALID_PROPERTY', `The table's property ${prefix}${name} is ${JSON.stringify(value)}, which is ${why}.`, {
    remedy: 'Give the policy anew, or change the property with alter.',
    data: { property: `${prefix}${name}`, value },
  })
}
