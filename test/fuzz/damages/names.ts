/** Names that are not what they seem: folders, links, pipes and devices in place of files. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { commitName, inLog } from '../tables.ts'
import type { Damage } from './damage.ts'

/** What takes the place of a file at `path`. */
const disguises: readonly (readonly [string, (path: string, bait: string) => void])[] = [
  ['a folder', (path) => mkdirSync(path)],
  ['a pipe', (path) => execFileSync('mkfifo', [path])],
  ['a link to a device', (path) => symlinkSync('/dev/zero', path)],
  ['a link to nothing', (path) => symlinkSync('nowhere', path)],
  ['a link to itself', (path) => symlinkSync(basename(path), path)],
  ['a link out', (path, bait) => symlinkSync(bait, path)],
  ['a relative link out', (path, bait) => symlinkSync(relative(dirname(path), bait), path)],
  ['a link to a folder', (path) => symlinkSync('..', path)],
]

/** The files that are replaced, and the bait for each: a file of the same kind that lies outside. */
const places: readonly (readonly [string, Damage['table'], (root: string) => string, bait: string, Damage['allowed']])[] = [
  ['commit', 'events', (root) => inLog(root, commitName(5)), `table/_delta_log/${commitName(2)}`, 'anything'],
  ['first commit', 'mapped', (root) => inLog(root, commitName(0)), `table/_delta_log/${commitName(0)}`, 'counts'],
  [
    'checkpoint',
    'cleaned',
    (root) => inLog(root, `${'4'.padStart(20, '0')}.checkpoint.parquet`),
    'bait-checkpoint.parquet',
    'same or refused',
  ],
  [
    'checkpoint that is not needed',
    'events',
    (root) => inLog(root, `${'4'.padStart(20, '0')}.checkpoint.parquet`),
    'bait-checkpoint.parquet',
    'same or refused',
  ],
  ['sidecar', 'sidecars', (root) => inLog(root, '_sidecars/0a.parquet'), 'bait-checkpoint.parquet', 'same or refused'],
  ['hint', 'events', (root) => inLog(root, '_last_checkpoint'), 'table/_delta_log/_last_checkpoint', 'same or refused'],
  [
    'checksum',
    'events',
    (root) => inLog(root, `${'5'.padStart(20, '0')}.crc`),
    `table/_delta_log/${'2'.padStart(20, '0')}.crc`,
    'same or refused',
  ],
  [
    'compaction',
    'compacted',
    (root) => inLog(root, readdirSync(inLog(root, '')).find((name) => name.includes('compacted'))!),
    `table/_delta_log/${commitName(2)}`,
    'same or refused',
  ],
  [
    'data file',
    'mapped',
    (root) => join(root, readdirSync(root).find((name) => name.endsWith('.parquet'))!),
    'bait.parquet',
    'same or refused',
  ],
  ['vector', 'vectors', (root) => join(root, 'absolute.bin'), 'bait.bin', 'same or refused'],
]

/** Folders that are replaced by a link to one outside. */
const folders: readonly (readonly [string, Damage['table'], string])[] = [
  ['the log', 'events', '_delta_log'],
  ['the log of a mapped table', 'mapped', '_delta_log'],
  ['a partition', 'events', 'day=2026-01-02'],
  ['sidecars', 'sidecars', '_delta_log/_sidecars'],
  ['changes', 'feed', '_change_data'],
]

/** All of them. */
export function nameDamages(): Damage[] {
  const damages: Damage[] = []
  for (const [place, table, pathOf, bait, allowed] of places) {
    for (const [name, disguise] of disguises) {
      damages.push({
        name: `${place}: ${name}`,
        table,
        allowed,
        apply: (root, _, source) => {
          const path = pathOf(root)
          rmSync(path)
          disguise(path, join(source, 'bait', bait))
        },
      })
    }
  }
  for (const [name, table, folder] of folders) {
    damages.push({
      name: `${name}: a link out`,
      table,
      allowed: 'same or refused',
      apply: (root) => {
        const outside = join(dirname(root), 'outside')
        cpSync(join(root, folder), outside, { recursive: true })
        rmSync(join(root, folder), { recursive: true })
        symlinkSync(outside, join(root, folder))
      },
    })
    damages.push({
      name: `${name}: a link inside`,
      table,
      allowed: 'same or refused',
      apply: (root) => {
        renameSync(join(root, folder), join(root, 'moved'))
        symlinkSync(join(root, 'moved'), join(root, folder))
      },
    })
    damages.push({
      name: `${name}: a file`,
      table,
      allowed: 'same or refused',
      apply: (root) => {
        rmSync(join(root, folder), { recursive: true })
        writeFileSync(join(root, folder), 'no folder')
      },
    })
  }
  for (const name of [
    '00000000000000000006.json.tmp',
    '.00000000000000000006.json',
    '6.json',
    '_commits',
    '00000000000000000007.checkpoint.0000000001.0000000000.parquet',
    '00000000000000000099.checkpoint.parquet',
    '99999999999999999999.crc',
    '00000000000000000005.00000000000000000001.compacted.json',
    'x'.repeat(250),
  ]) {
    damages.push({
      name: `a stray name: ${name.slice(0, 60)}`,
      table: 'events',
      allowed: name.includes('99.checkpoint') ? 'same or refused' : 'same',
      apply: (root) => writeFileSync(inLog(root, name), ''),
    })
  }
  for (const name of ['99999999999999999999.json', '00009007199254740993.json', '00000000000000000007.json', '00000000000000001000.json']) {
    damages.push({
      name: `a commit beyond a hole: ${name}`,
      table: 'events',
      allowed: 'same or refused',
      apply: (root) => cpSync(inLog(root, commitName(5)), inLog(root, name)),
    })
  }
  damages.push({ name: 'a commit gone', table: 'events', allowed: 'counts', apply: (root) => rmSync(inLog(root, commitName(3))) })
  damages.push({ name: 'the first commit gone', table: 'mapped', allowed: 'counts', apply: (root) => rmSync(inLog(root, commitName(0))) })
  damages.push({
    name: 'a commit after the checkpoint gone',
    table: 'compacted',
    allowed: 'counts',
    apply: (root) => rmSync(inLog(root, commitName(4))),
  })
  return damages
}
