/** Golden tables with flipped bits and cut files: they have what other engines write, and we do not. */
import { existsSync, lstatSync, readdirSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { goldenTables } from '../../support/conformance.ts'
import { type Damage, flip, rewrite } from './damage.ts'

/** Larger tables take longer than they are worth. */
const largest = 1 << 20

/** One damage of each table, `flips` times; none where the golden tables are not there. */
export function goldenDamages(flips: number): Damage[] {
  const folders =
    flips === 0
      ? []
      : goldenTables().flatMap(({ folder }) => (existsSync(join(folder, '_delta_log')) && size(folder) <= largest ? [folder] : []))
  return Array.from({ length: flips }, (_, n) =>
    folders.map(
      (folder): Damage => ({
        name: `golden: ${folder.split('/').slice(-2).join('/')} ${n}`,
        table: folder as `/${string}`,
        allowed: 'anything',
        apply: (root, random) => {
          const path = join(root, random.of(files(root)))
          if (random.below(4) === 0) truncateSync(path, random.below(readFileSync(path).length + 1))
          else rewrite(path, (bytes) => (bytes.length === 0 ? bytes : flip(bytes, random, 1 + random.below(5))))
        },
      }),
    ),
  ).flat()
}

function files(root: string): string[] {
  return (readdirSync(root, { recursive: true }) as string[]).filter((name) => lstatSync(join(root, name)).isFile()).sort()
}

function size(root: string): number {
  return files(root).reduce((sum, name) => sum + lstatSync(join(root, name)).size, 0)
}
