/**
 * The verbs of the command line. Each lives in a file of its own, which is loaded only when the verb is named: what `varve --help`
 * needs of it stands here.
 */
import type { Verb } from './verb.ts'

/** A verb as the overview lists it. */
interface Listed {
  readonly summary: string
  load(): Promise<Verb>
}

/** All verbs, in the order of the overview. */
export const verbs: Readonly<Record<string, Listed>> = {
  create: { summary: 'make an empty table', load: async () => (await import('./create.ts')).verb },
  append: { summary: 'add rows from files or stdin', load: async () => (await import('./append.ts')).verb },
  overwrite: { summary: 'replace rows by others', load: async () => (await import('./overwrite.ts')).verb },
  restore: { summary: 'make an earlier version the newest', load: async () => (await import('./restore.ts')).verb },
  alter: { summary: 'change columns, rules and properties', load: async () => (await import('./alter.ts')).verb },
  delete: { summary: 'take rows away', load: async () => (await import('./delete.ts')).verb },
  update: { summary: 'give rows new values', load: async () => (await import('./update.ts')).verb },
  merge: { summary: 'update and insert rows by key, and more', load: async () => (await import('./merge.ts')).verb },
  query: { summary: 'run SQL over one or more tables, each as of any version', load: async () => (await import('./query.ts')).verb },
  changes: { summary: 'the rows that changed between versions', load: async () => (await import('./changes.ts')).verb },
  diff: { summary: 'the rows that differ between two versions', load: async () => (await import('./diff.ts')).verb },
  ledger: { summary: 'every row that ever was, and when', load: async () => (await import('./ledger.ts')).verb },
  show: { summary: 'what a version is: rows, files, schema, protocol', load: async () => (await import('./show.ts')).verb },
  history: { summary: 'the versions of a table, newest first', load: async () => (await import('./history.ts')).verb },
  files: { summary: 'the data files of a version', load: async () => (await import('./files.ts')).verb },
  tag: { summary: 'give a version a name', load: async () => (await import('./tag.ts')).verb },
  tags: { summary: 'the names that versions have', load: async () => (await import('./tags.ts')).verb },
  untag: { summary: 'take a name from its version', load: async () => (await import('./untag.ts')).verb },
  pin: { summary: 'name a version in a small file for Git', load: async () => (await import('./pin.ts')).verb },
  unpin: { summary: 'delete a pin, and let go of its version', load: async () => (await import('./unpin.ts')).verb },
  status: { summary: 'how the tables here stand to the pins', load: async () => (await import('./status.ts')).verb },
  cache: { summary: 'the files that projects on this machine share', load: async () => (await import('./cache.ts')).verb },
  remote: { summary: 'where the same table lies elsewhere', load: async () => (await import('./remote.ts')).verb },
  push: { summary: 'bring a remote to the newest version', load: async () => (await import('./push.ts')).verb },
  pull: { summary: 'get a table, or a version of it, from a remote', load: async () => (await import('./pull.ts')).verb },
  clone: { summary: 'make a version a table of its own', load: async () => (await import('./clone.ts')).verb },
  unclone: { summary: 'let go of what a clone needed', load: async () => (await import('./unclone.ts')).verb },
  verify: { summary: 'check that a version is what was written', load: async () => (await import('./verify.ts')).verb },
  run: { summary: 'record a training, or run it, with the data that it reads', load: async () => (await import('./run.ts')).verb },
  runs: { summary: 'the runs that read versions of a table', load: async () => (await import('./runs.ts')).verb },
  optimize: {
    summary: 'rewrite small files as fewer, or by the values of columns',
    load: async () => (await import('./optimize.ts')).verb,
  },
  checkpoint: { summary: 'write a checkpoint of the newest version', load: async () => (await import('./checkpoint.ts')).verb },
  retain: { summary: 'let go of old versions by a policy, or archive them', load: async () => (await import('./retain.ts')).verb },
  erase: { summary: 'erase rows, from every version that holds them', load: async () => (await import('./erase.ts')).verb },
  vacuum: { summary: 'end old versions and delete what no version names', load: async () => (await import('./vacuum.ts')).verb },
}
