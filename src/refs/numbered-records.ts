/**
 * Records of names whose meaning may move: `<folder><key>/<n>.json`, and of a name the one with the highest number counts. Whoever moves a
 * name puts a record under the next number, so of two who do it at once one finds the number taken, and earlier records stay as a trace.
 *
 * A name is found by listing its own folder, however many names there are.
 */
import type { ObjectStore } from '../storage/object-store.ts'
import { nameKey } from './names.ts'

/** The key of a name's record of a number. */
export function numberedKey(folder: string, name: string, number: number): string {
  return `${folder}${nameKey(name)}/${number}.json`
}

/** The number of a name's last record; 0 where it has none. */
export async function lastNumber(store: ObjectStore, folder: string, name: string, signal?: AbortSignal): Promise<number> {
  let last = 0
  const own = `${folder}${nameKey(name)}/`
  for await (const { key } of store.list(own, { delimiter: '/', signal })) last = Math.max(last, numberOf(key.slice(own.length)) ?? 0)
  return last
}

/** Of each name, as `nameKey` spells it, the number of its last record. */
export async function lastNumbers(store: ObjectStore, folder: string, signal?: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const last = new Map<string, number>()
  for await (const { key } of store.list(folder, { signal })) {
    const [name = '', file = '', ...rest] = key.slice(folder.length).split('/')
    const number = numberOf(file)
    if (number !== undefined && rest.length === 0) last.set(name, Math.max(number, last.get(name) ?? 0))
  }
  return last
}

function numberOf(file: string): number | undefined {
  const [, digits] = /^(\d{1,15})\.json$/.exec(file) ?? []
  return digits === undefined ? undefined : Number(digits)
}
