import type { Command } from 'commander'
import type { PinStatus } from '../../index.ts'
import { type AllowPathOption, allowPathOption } from '../options/references.ts'
import { jsonLine } from '../print/json.ts'
import { type ListColumn, writeList } from '../print/list.ts'
import type { Invocation, Verb } from '../verb.ts'

interface StatusCommandOptions extends AllowPathOption {
  readonly deep?: boolean
}

const columns: readonly ListColumn<PinStatus>[] = [
  { heading: 'STATUS', cell: ({ status }) => status },
  { heading: 'PIN', cell: ({ file }) => file },
  { heading: 'VERSION', side: 'right', cell: ({ version }) => (version === null ? '?' : String(version)) },
  { heading: 'TAG', cell: ({ tag }) => tag ?? '' },
  { heading: '', cell: ({ message }) => message ?? '' },
]

/** `varve status [FOLDER]` */
export const verb: Verb = {
  usage: '[FOLDER] [OPTIONS]',
  description: `How the tables here stand to the pins in a folder and below: same; ahead, where the table has later versions than the pinned one; missing, where there
is no table, or it lacks the version or files of it; differs, where it has another version under that number, or files of another length. No data is read, unless with
--deep: then every file is hashed, and the digest of the rows computed.
Exit code 4: something is missing or differs; 1: something could not be found out.`,
  examples: ['varve status', 'varve status . --deep --json'],
  define(command: Command): void {
    allowPathOption(command.argument('[folder]', 'default: the current one')).option(
      '--deep',
      'verify the pinned versions too: the SHA-256 of every file, and the digest of the rows',
    )
  },
  async run(call: Invocation, [folder = '.']: readonly string[], { allowPath: allowPaths, deep }: StatusCommandOptions): Promise<void> {
    const { status } = await import('../../index.ts')
    call.progress.start(() => (deep ? 'verifying what is pinned' : 'looking for pins'))
    const remedies: string[] = []
    let worst: 0 | 1 | 4 = 0
    const told = async function* () {
      for await (const one of status(folder, { allowPaths, deep, signal: call.signal })) {
        if (one.status === 'missing' || one.status === 'differs') worst = 4
        else if (one.status === 'unknown' && worst === 0) worst = 1
        if (one.remedy !== null && one.status !== 'ahead') remedies.push(`${one.file}: ${one.remedy}`)
        yield one
      }
    }
    let count = 0
    if (call.json) for await (const one of told()) await call.output.write(jsonLine(one))
    else count = await writeList(call.output, told(), columns)
    if (worst !== 0) call.exitWith(worst)
    if (count === 0) call.note(`There are no pins in ${folder} and below.`)
    for (const remedy of remedies) call.note(remedy)
  },
}
