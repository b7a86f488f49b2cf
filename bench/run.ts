/**
 * `npm run bench -- [--short] [--case NAME]... [--json FILE]`: measures every case beside its peers and its floor, prints a table and
 * saves it as JSON under `.bench/results/` (and to FILE). README.md of this folder says how to read it. Exits 1 where a contender of
 * ours failed; a figure that was missed is a figure, not a failure.
 */
import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cases } from './cases/index.ts'
import { contend } from './harness/contend.ts'
import { makeData } from './harness/data.ts'
import { compile, installPeers } from './harness/install.ts'
import { places } from './harness/places.ts'
import { type CaseReport, printed, report } from './harness/report.ts'

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    case: { type: 'string', multiple: true },
    json: { type: 'string' },
    rounds: { type: 'string' },
  },
})
const unknown = values.case?.filter((name) => !cases.some((one) => one.name === name)) ?? []
if (unknown.length > 0) {
  process.stderr.write(`No case ${unknown.join(', ')}. There are: ${cases.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}
const chosen = cases.filter(({ name, long }) => values.case?.includes(name) ?? !(values.short && long))
const rounds = Number(values.rounds ?? (values.short ? 3 : 7))

const deltaExtension = await installPeers()
await compile()
const machine = {
  at: new Date().toISOString(),
  commit: commit(),
  node: process.version,
  processor: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  load: loadavg(),
}
process.stdout.write(
  `# Benchmarks of Varve at ${machine.commit}, Node ${machine.node}, ${machine.cores} cores (${machine.processor}), ${machine.memoryGiB} GiB, load ${machine.load.map((one) => one.toFixed(2)).join(' ')}, ${rounds} rounds${values.short ? ', short' : ''}\n`,
)

const reports: CaseReport[] = []
for (const one of chosen) {
  await makeData(one.needs ?? [])
  const result = report(await contend(one, rounds, { data: places.data, short: values.short, peers: places.peerModules, deltaExtension }))
  reports.push(result)
  process.stdout.write(`${printed(result)}\n`)
}

const all = reports.flatMap(({ verdicts }) => verdicts)
const count = (verdict: string): number => all.filter((one) => one.verdict === verdict).length
process.stdout.write(`\n${all.length} targets: ${count('met')} met, ${count('missed')} missed, ${count('not measurable')} not measurable\n`)
await mkdir(places.results, { recursive: true })
const json = `${JSON.stringify({ machine, rounds, short: values.short, cases: reports }, null, 2)}\n`
const saved = join(places.results, `${machine.at.replaceAll(/[:.]/g, '-')}.json`)
await writeFile(saved, json)
if (values.json) await writeFile(values.json, json)
process.stdout.write(`saved as ${saved}\n`)
const left = values.case ? [] : cases.filter((one) => !chosen.includes(one))
if (left.length > 0) process.stdout.write(`left out of a short run: ${left.map(({ name }) => name).join(', ')}\n`)
const broken = chosen.flatMap((one) =>
  one.contenders.filter(({ role, name }) => role === 'varve' && reports.find((other) => other.name === one.name)!.failures[name]),
)
process.exit(broken.length > 0 ? 1 : 0)

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: places.root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  } catch {
    return 'unknown'
  }
}
