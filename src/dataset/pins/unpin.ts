/**
 * The verb that takes a pin away: its file first, then what it held, so there is no moment at which a pin names what nothing holds. Where the file is gone
 * already, what it held is found by its path.
 */
import { basename, dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PinError, UsageError } from '../../errors/index.ts'
import { deleteAll } from '../../log/delete-all.ts'
import { localStore, type ObjectStore } from '../../storage/index.ts'
import { type Pin, readPin } from './pin-file.ts'
import { releaseAll } from './pin-holds.ts'
import { realPath, tableOfPin } from './pin-place.ts'

/** What was taken away. */
export interface UnpinResult {
  readonly file: string
  /** What the pin said; `null` where the file was gone already. */
  readonly pin: Pin | null
  /** How many holds ended. */
  readonly released: number
}

/** Takes a pin away. @throws PinError; UsageError INVALID_ARGUMENT for a pin of another table; UnknownOutcomeError; storage errors */
export async function unpin(store: ObjectStore, file: string): Promise<UnpinResult> {
  const pin = await pinIfThere(file)
  if (pin !== undefined) {
    const folder = realPath(tableOfPin(file, pin))
    if (store.kind !== 'local' || folder !== realPath(fileURLToPath(store.root))) {
      throw new UsageError('INVALID_ARGUMENT', `${file} pins another table, ${folder}.`, {
        remedy: 'Open the table that it names.',
        data: { file, table: folder, root: store.root },
      })
    }
    await deleteAll(localStore(dirname(file)), [basename(file)])
  }
  const released = await releaseAll(store, file)
  if (pin === undefined && released === 0) {
    throw new PinError('PIN_NOT_FOUND', `There is no pin ${file}, and nothing in ${store.root} is held for one.`, {
      remedy: 'Check the path: what a pin held is found by where it lay.',
      data: { file, root: store.root },
    })
  }
  return { file, pin: pin ?? null, released }
}

async function pinIfThere(file: string): Promise<Pin | undefined> {
  try {
    return await readPin(file)
  } catch (error) {
    if (error instanceof PinError && error.code === 'PIN_NOT_FOUND') return undefined
    throw error
  }
}
