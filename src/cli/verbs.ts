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
  create: { summary: 'make an empty table', load: async () => (await import('./verbs/create.ts')).verb },
  append: { summary: 'add rows from files or stdin', load: async () => (await import('./verbs/append.ts')).verb },
  overwrite: { summary: 'replace rows by others', load: async () => (await import('./verbs/overwrite.ts')).verb },
  restore: { summary: 'make an earlier version the newest', load: async () => (await import('./verbs/restore.ts')).verb },
  alter: { summary: 'change columns, rules and properties', load: async () => (await import('./verbs/alter.ts')).verb },
  delete: { summary: 'take rows away', load: async () => (await import('./verbs/delete.ts')).verb },
  update: { summary: 'give rows new values', load: async () => (await import('./verbs/update.ts')).verb },
  merge: { summary: 'update and insert rows by key, and more', load: async () => (await import('./verbs/merge.ts')).verb },
  query: { summary: 'run SQL over one or more tables, each as of any version', load: async () => (await import('./verbs/query.ts')).verb },
  changes: { summary: 'the rows that changed between versions', load: async () => (await import('./verbs/changes.ts')).verb },
  diff: { summary: 'the rows that differ between two versions', load: async () => (await import('./verbs/diff.ts')).verb },
  ledger: { summary: 'every row that ever was, and when', load: async () => (await import('./verbs/ledger.ts')).verb },
  show: { summary: 'what a version is: rows, files, schema, protocol', load: async () => (await import('./verbs/show.ts')).verb },
  history: { summary: 'the versions of a table, newest first', load: async () => (await import('./verbs/history.ts')).verb },
  files: { summary: 'the data files of a version', load: async () => (await import('./verbs/files.ts')).verb },
  tag: { summary: 'give a version a name', load: async () => (await import('./verbs/tag.ts')).verb },
  tags: { summary: 'the names that versions have', load: async () => (await import('./verbs/tags.ts')).verb },
  untag: { summary: 'take a name from its version', load: async () => (await import('./verbs/untag.ts')).verb },
  pin: { summary: 'name a version in a small file for Git', load: async () => (await import('./verbs/pin.ts')).verb },
  unpin: { summary: 'delete a pin, and let go of its version', load: async () => (await import('./verbs/unpin.ts')).verb },
  status: { summary: 'how the tables here stand to the pins', load: async () => (await import('./verbs/status.ts')).verb },
  cache: { summary: 'the files that projects on this machine share', load: async () => (await import('./verbs/cache.ts')).verb },
  remote: { summary: 'where the same table lies elsewhere', load: async () => (await import('./verbs/remote.ts')).verb },
  push: { summary: 'bring a remote to the newest version', load: async () => (await import('./verbs/push.ts')).verb },
  pull: { summary: 'get a table, or a version of it, from a remote', load: async () => (await import('./verbs/pull.ts')).verb },
  clone: { summary: 'make a version a table of its own', load: async () => (await import('./verbs/clone.ts')).verb },
  unclone: { summary: 'let go of what a clone needed', load: async () => (await import('./verbs/unclone.ts')).verb },
  verify: { summary: 'check that a version is what was written', load: async () => (await import('./verbs/verify.ts')).verb },
  run: { summary: 'record a training, or run it, with the data that it reads', load: async () => (await import('./verbs/run.ts')).verb },
  runs: { summary: 'the runs that read versions of a table', load: async () => (await import('./verbs/runs.ts')).verb },
  optimize: {
    summary: 'rewrite small files as fewer, or by the values of columns',
    load: async () => (await import('./verbs/optimize.ts')).verb,
  },
  checkpoint: { summary: 'write a checkpoint of the newest version', load: async () => (await import('./verbs/checkpoint.ts')).verb },
  retain: { summary: 'let go of old versions by a policy, or archive them', load: async () => (await import('./verbs/retain.ts')).verb },
  erase: { summary: 'erase rows, from every version that holds them', load: async () => (await import('./verbs/erase.ts')).verb },
  vacuum: { summary: 'end old versions and delete what no version names', load: async () => (await import('./verbs/vacuum.ts')).verb },
}
