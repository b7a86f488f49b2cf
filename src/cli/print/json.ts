import { stringify } from 'lossless-json'

/** A value as one line of JSON; 64-bit integers keep all their digits. */
export function jsonLine(value: unknown): string {
  return `${stringify(value)}\n`
}
