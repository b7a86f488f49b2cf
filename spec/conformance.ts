/**
 * `npm run conformance`: the golden tables of other engines, read through the public names. A line a table: its name, what it uses of
 * the protocol, and whether it comes out right, refused by name, or wrong; then the totals. Ends with 1 where anything is wrong.
 */
import { goldenTables } from '../test/support/conformance.ts'
import { judge, outcomeOf, totals } from '../test/support/judge.ts'

const tables = goldenTables()
const all = []
let category = ''
for (const table of tables) {
  const findings = await judge(table)
  all.push(findings)
  const [corpus = '', name = ''] = table.name.split('/')
  if (corpus !== category) console.log(`\n${corpus}`)
  category = corpus
  const right = (versions: boolean) =>
    findings
      .filter(({ what, outcome }) => outcome === 'right' && (what === 'versions') === versions)
      .reduce((sum, { count }) => sum + count, 0)
  const counts = [`${right(true)} versions`, ...(right(false) > 0 ? [`${right(false)} results`] : [])].join(', ')
  const outcome = outcomeOf(findings)
  console.log(`  ${name.padEnd(64)} ${outcome.padEnd(12)} ${findings.some(({ what }) => what === 'whole table') ? '' : counts}`)
  console.log(`      ${featuresOf(table.features)}`)
  for (const { what, outcome, detail } of findings) if (outcome !== 'right') console.log(`      ${outcome}: ${what} ${detail}`)
}
if (tables.length > 0) console.log(`\n${totals(all)}`)
process.exitCode = all.some((findings) => outcomeOf(findings) === 'wrong') ? 1 : 0

/** The features that say something: not what every table has. */
function featuresOf(features: readonly string[]): string {
  const plain = ['stats:json', 'writer:appendOnly', 'writer:invariants']
  return features.filter((feature) => !plain.includes(feature)).join(' ')
}
