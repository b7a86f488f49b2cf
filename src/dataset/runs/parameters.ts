/** What a run was told, as its record keeps it. */
import { readFile } from 'node:fs/promises'
import { InputError, UsageError } from '../../errors/index.ts'

type Parameters = Readonly<Record<string, unknown>>

/**
 * The parameters of a file in YAML or JSON, and others above them: a group of both is one group.
 * @throws InputError INPUT_NOT_FOUND, INPUT_CORRUPT; UsageError INVALID_ARGUMENT for what JSON cannot hold
 */
export async function allParameters(file: string | undefined, above: Parameters = {}): Promise<Record<string, unknown>> {
  return storedParameters(file === undefined ? above : merged(await readParameters(file), above))
}

async function readParameters(path: string): Promise<Parameters> {
  let value: unknown
  try {
    const text = await readFile(path, 'utf8')
    // YAML holds all of JSON, but reads long numbers otherwise.
    value = path.endsWith('.json') ? JSON.parse(text) : (await import('../yaml.ts')).parse(text)
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const message = absent ? `There is no file ${path}.` : `The parameters in ${path} cannot be read: ${(error as Error).message}`
    const remedy = absent ? 'Name a file with parameters in YAML or JSON.' : 'Mend the file: YAML or JSON.'
    throw new InputError(absent ? 'INPUT_NOT_FOUND' : 'INPUT_CORRUPT', message, { remedy, data: { path }, cause: error })
  }
  if (isGroup(value)) return value
  // An empty file has none.
  if (value === null || value === undefined) return {}
  throw new InputError('INPUT_CORRUPT', `${path} holds no parameters by name.`, { remedy: 'Write names and values.', data: { path } })
}

function merged(below: Parameters, above: Parameters): Parameters {
  const result: Record<string, unknown> = { ...below }
  for (const [name, value] of Object.entries(above)) {
    const before = Object.hasOwn(below, name) ? below[name] : undefined
    result[name] = isGroup(before) && isGroup(value) ? merged(before, value) : value
  }
  return result
}

function isGroup(value: unknown): value is Parameters {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Parameters as JSON holds them: dates as ISO text, whole numbers that a number does not hold exactly as text.
 * @throws UsageError INVALID_ARGUMENT for what JSON cannot hold
 */
function storedParameters(parameters: Parameters): Record<string, unknown> {
  try {
    const stored: unknown = JSON.parse(JSON.stringify(parameters, asJson))
    if (typeof stored === 'object' && stored !== null && !Array.isArray(stored)) return stored as Record<string, unknown>
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw notParameters(error.message, error)
  }
  throw notParameters('they are no object', undefined)
}

/** Seeds by name; one alone is called `seed`. @throws UsageError INVALID_ARGUMENT */
export function storedSeeds(seed: number | Readonly<Record<string, number>> = {}): Record<string, number> {
  const seeds = typeof seed === 'number' ? { seed } : { ...seed }
  for (const [name, value] of Object.entries(seeds)) {
    if (Number.isSafeInteger(value)) continue
    throw new UsageError('INVALID_ARGUMENT', `The seed ${name} is ${String(value)}, which is no whole number.`, {
      remedy: 'Give a whole number below 2^53.',
      data: { seed: name },
    })
  }
  return seeds
}

/** The parts of parameters by their names, joined with dots: what two runs are compared by. */
export function flatParameters(parameters: Parameters): Map<string, unknown> {
  const flat = new Map<string, unknown>()
  const take = (prefix: string, group: object): void => {
    for (const [name, value] of Object.entries(group)) {
      const full = prefix === '' ? name : `${prefix}.${name}`
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) take(full, value)
      else flat.set(full, value)
    }
  }
  take('', parameters)
  return flat
}

function asJson(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

function notParameters(why: string, cause: unknown): UsageError {
  return new UsageError('INVALID_ARGUMENT', `The parameters of the run cannot be recorded: ${why}.`, {
    remedy: 'Give an object of what JSON can hold.',
    cause,
  })
}
