import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { project } from './project.ts'

/**
 * The folder of the golden tables, beside the project, or undefined where it is not there: the tests that need it are then left
 * out, and it is said. With `VARVE_CONFORMANCE=required` its absence is an error.
 */
export function conformanceFolder(): string | undefined {
  const folder = join(project, '..', 'shared', 'conformance')
  if (existsSync(join(folder, 'inventory.json'))) return folder
  if (process.env.VARVE_CONFORMANCE === 'required') throw new Error(`The golden tables are required and not there: ${folder}`)
  console.warn('The golden tables are not beside this project: their tests are left out.')
  return undefined
}
