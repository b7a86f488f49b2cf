/** What a table needs to track its rows (§Row Tracking), besides the ids that every commit gives to the files that it adds. */
import { v4 as uuid } from 'uuid'
import { isOn } from '../../schema/switches.ts'
import { rowTrackingProperty } from './properties.ts'

const materialized = 'delta.rowTracking.materialized'

/**
 * The properties of a table, with names for the columns in which rows that move to other files keep their ids, where rows are to be tracked.
 * Names that are there stay.
 */
export function withTrackingColumns(properties: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (!isOn(properties, rowTrackingProperty)) return properties
  return {
    [`${materialized}RowIdColumnName`]: `_row-id-col-${uuid()}`,
    [`${materialized}RowCommitVersionColumnName`]: `_row-commit-version-col-${uuid()}`,
    ...properties,
  }
}
