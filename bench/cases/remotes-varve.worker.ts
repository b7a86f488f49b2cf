/** A user's push or pull with Varve: `node remotes-varve.worker.js push TABLE REMOTE`, `pull TABLE REMOTE`; prints the bytes that moved. */
import { Table } from '../../src/index.ts'

const [, , verb, path = '', remote = ''] = process.argv
const result = verb === 'push' ? await (await Table.open(path)).push(remote) : await Table.pull(path, { from: remote })
process.stdout.write(`${result.bytes}\n`)
process.exit(0)
