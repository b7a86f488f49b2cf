/** Changes of a table's properties, with what each of them means for the rest of the table. */
import { UsageError } from '../../errors/index.ts'
import { hasInCommitTimestamps } from '../../log/index.ts'
import { isOn } from '../../schema/switches.ts'
import { isMapped } from '../definition/column-mapping.ts'
import { checkProperty, featuresOfProperties } from '../definition/properties.ts'
import { withTrackingColumns } from '../definition/row-tracking.ts'
import { beginsTracking, type Draft, isMappedDraft, mapped, propertiesOf, type Step, withFeature } from './draft.ts'

const mappingMode = 'delta.columnMapping.mode'
const enablement = ['delta.inCommitTimestampEnablementVersion', 'delta.inCommitTimestampEnablementTimestamp']

/** Sets properties; those that switch a feature on bring it. */
export function setProperties(draft: Draft, properties: Readonly<Record<string, string>>): Step {
  let next = draft
  for (const [name, value] of Object.entries(properties)) {
    checkProperty(name, value)
    if (name === mappingMode) next = setMapping(next, value)
    else if (next.configuration[name] !== value) next = { ...next, configuration: { ...next.configuration, [name]: value } }
  }
  if (beginsTracking(next)) next = { ...next, configuration: withTrackingColumns(next.configuration) }
  next = withoutStaleEnablement(withFeature(next, ...featuresOfProperties(properties)))
  return {
    draft: next,
    operation: 'SET TBLPROPERTIES',
    parameters: { properties: JSON.stringify(properties) },
    words: `set ${Object.entries(properties)
      .map(([name, value]) => `${name}=${value}`)
      .join(', ')}`,
  }
}

/** Takes properties away. */
export function unsetProperties(draft: Draft, asked: string | readonly string[]): Step {
  const names = typeof asked === 'string' ? [asked] : asked
  const configuration = { ...draft.configuration }
  for (const name of names) {
    if (!Object.hasOwn(configuration, name)) continue
    if (name.startsWith('delta.constraints.')) throw wrong(name, `${name} is a constraint.`, 'Drop the constraint of that name.')
    if (name === mappingMode && isMappedDraft(draft))
      throw wrong(name, 'Columns that are mapped stay so.', 'Write the rows to a new table.')
    if (/^delta\.(columnMapping|inCommitTimestampEnablement|rowTracking)/.test(name) && name !== mappingMode)
      throw wrong(name, `${name} is kept by the table itself.`, 'Leave it as it is.')
    delete configuration[name]
  }
  const left = Object.keys(configuration).length === Object.keys(draft.configuration).length
  return {
    draft: left ? draft : withoutStaleEnablement({ ...draft, configuration }),
    operation: 'UNSET TBLPROPERTIES',
    parameters: { properties: JSON.stringify(names), ifExists: 'true' },
    words: `unset ${names.join(', ')}`,
  }
}

/** What a user should know of properties that came or went. */
export function propertyWarnings(draft: Draft): string[] {
  const { protocol, metadata } = draft.state
  const [before, now] = [metadata.configuration, draft.configuration]
  const warnings: string[] = []
  if (hasInCommitTimestamps(protocol, metadata) && !isOn(now, 'delta.enableInCommitTimestamps'))
    warnings.push('Commits carry no time of their own any more: the times of files count, which copies of the table must keep.')
  if (
    isOn(now, 'delta.enableDeletionVectors') &&
    !isOn(before, 'delta.enableDeletionVectors') &&
    !isOn(now, 'delta.enableInCommitTimestamps')
  )
    warnings.push(
      'Deletion vectors without delta.enableInCommitTimestamps: the full VACUUM of delta-rs, which can write to this table, deletes vectors that are in use.',
    )
  if (isOn(now, 'delta.enableChangeDataFeed') && !isOn(before, 'delta.enableChangeDataFeed'))
    warnings.push('Changes can be read from this version on; earlier ones have no change feed.')
  return warnings
}

function setMapping(draft: Draft, mode: string): Draft {
  const now = isMappedDraft(draft) ? (propertiesOf(draft)[mappingMode] ?? 'none') : 'none'
  if (mode === now) return draft
  if (isMapped({ [mappingMode]: now }))
    throw wrong(mappingMode, `The columns of the table are mapped by ${now}, and stay so.`, 'Write the rows to a new table.')
  if (mode === 'id')
    throw wrong(
      mappingMode,
      'Files that are there have no ids of columns, so they cannot be mapped by id.',
      'Set delta.columnMapping.mode to name.',
    )
  return mapped(draft)
}

/** Where commits carry no time, nothing says since when they do. */
function withoutStaleEnablement(draft: Draft): Draft {
  if (isOn(draft.configuration, 'delta.enableInCommitTimestamps')) return draft
  if (!enablement.some((name) => name in draft.configuration)) return draft
  return { ...draft, configuration: Object.fromEntries(Object.entries(draft.configuration).filter(([name]) => !enablement.includes(name))) }
}

function wrong(property: string, message: string, remedy: string): UsageError {
  return new UsageError('INVALID_PROPERTY', message, { remedy, data: { property } })
}
