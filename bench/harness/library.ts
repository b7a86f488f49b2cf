/** The library as an installed package would be loaded: compiled JavaScript, whoever asks. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { places } from './places.ts'

/** The public names of Varve. */
export type Library = typeof import('../../src/index.ts')

/** Loads the compiled library; `compile` must have run. */
export async function library(): Promise<Library> {
  return (await import(pathToFileURL(join(places.compiled, 'src', 'index.js')).href)) as Library
}
