/** Inputs that know what they were read from, such as the result of a query over tables. */
import type { VersionInput } from '../../log/actions.ts'

/** Under this name an input tells it, once it was read. */
export const readFrom: unique symbol = Symbol('varve.readFrom')

/** See the module. */
export interface Traced {
  /** @internal */
  [readFrom](): Promise<readonly VersionInput[]>
}

/** Whether something tells what it was read from. */
export function isTraced(value: unknown): value is Traced {
  return typeof value === 'object' && value !== null && readFrom in value
}
