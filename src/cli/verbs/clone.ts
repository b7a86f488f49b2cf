import type { Command } from 'commander'
import { type AllowPathOption, allowPathOption, openReference, type PointOptions, pointOptions, tablePath } from '../options/references.ts'
import { repeated } from '../options/values.ts'
import { provenanceOf, type WriteOptions } from '../options/writing.ts'
import { byteSize, counted } from '../print/human.ts'
import { printWritten } from '../print/written.ts'
import type { Invocation, Verb } from '../verb.ts'

interface CloneOptions extends PointOptions, AllowPathOption, Pick<WriteOptions, 'message' | 'source' | 'code'> {
  readonly deep?: boolean
}

/** `varve clone REF PATH` */
export const verb: Verb = {
  usage: 'REF PATH [OPTIONS]',
  description: `Makes a version the first one of a table of its own: same rows, columns and properties, and a history that begins there. No data is copied:
the clone names the files where they lie, and a record in the origin keeps them from its vacuum. With --deep they are copied.`,
  examples: ["varve clone events@0 trial --message 'to try things'", 'varve clone events backup --deep'],
  define(command: Command): void {
    pointOptions(command.argument('<ref>', 'the table, as of the version to clone').argument('<path>', 'the folder of the clone'))
      .option('--deep', 'copy the files, each compared with its hash')
      .option('--message <text>', 'why, for the history')
      .option('--source <text>', 'where the rows come from, for the history')
      .option('--code <file>', 'a file of the code that makes the clone: its hash goes into the history; repeat for more', repeated)
    allowPathOption(command)
  },
  async run(call: Invocation, [reference = '', target = '']: readonly string[], options: CloneOptions): Promise<void> {
    const began = Date.now()
    const { signal } = call
    const { deep = false, message, source } = options
    const path = await tablePath(target)
    let progress = 'reading the log'
    call.progress.start(() => progress)
    const { table, snapshot, path: from } = await openReference(reference, options, signal)
    const onProgress = ({ files, of }: { readonly files: number; readonly of: number }) => {
      progress = `${files} of ${counted(of, 'file')}`
    }
    const asOf = snapshot.version
    const clone = await table.clone(path, { asOf, deep, message, source, provenance: provenanceOf(options), onProgress, signal })
    call.progress.stop()
    const { sourceNumOfFiles = 0, sourceTableSize = 0 } = clone.lastWrite!.metrics
    const files = `${counted(sourceNumOfFiles, 'file')} (${byteSize(sourceTableSize)}) ${deep ? 'copied' : 'named where they lie'}`
    await printWritten(call, path, clone.lastWrite!, { began, what: `cloned from ${from}@${asOf}: ${files}` })
  },
}
