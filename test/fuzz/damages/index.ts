import { commitDamages } from './commits.ts'
import type { Damage } from './damage.ts'
import { derivedDamages } from './derived.ts'
import { fileDamages } from './files.ts'
import { goldenDamages } from './golden.ts'
import { groundDamages } from './ground.ts'
import { nameDamages } from './names.ts'

export type { Damage } from './damage.ts'

/** All damages, each with its place in the list as its seed; `flips` is how often each kind of random damage is done. */
export function allDamages(flips: number): Damage[] {
  return [
    ...commitDamages(flips),
    ...groundDamages(),
    ...derivedDamages(flips),
    ...fileDamages(flips),
    ...nameDamages(),
    ...goldenDamages(flips),
  ]
}
