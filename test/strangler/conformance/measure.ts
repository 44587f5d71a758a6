import { allCases } from './cases.ts'
import { startLegacyFixture } from './legacy-fixture.ts'
import { bytes, ours, replyFrom, replyFromHttp, type StartProxy } from './proxies.ts'
import { answersOf, runTable } from './run-table.ts'
import { judged, kindsOf, nameOf, reasonsOf, tableOf } from './tally.ts'
import { wholeService } from './whole-service.ts'

// node test/strangler/conformance/measure.ts [proxy …]: how many cases each proxy passes, and how the others differ.
// With DETAILS=1 each of these as well.

const SEED = 8
const PROXIES: Record<string, StartProxy> = { bytes, ours, wholeService, replyFrom, replyFromHttp }

const asked = process.argv.slice(2)
const cases = allCases(SEED)
const fixture = await startLegacyFixture(answersOf(cases))
const direct = await runTable(cases, fixture, fixture.port)
for (const name of asked.length > 0 ? asked : Object.keys(PROXIES)) {
  const start = PROXIES[name]
  if (start === undefined) throw new Error(`no such proxy: ${name}; there are ${Object.keys(PROXIES).join(', ')}`)
  const proxy = await start(fixture.url)
  const proxied = await runTable(cases, fixture, proxy.port)
  const all = judged(cases, direct.outcomes, proxied.outcomes)
  console.log([`\n${name}`, ...tableOf(all), ...reasonsOf(all), ...kindsOf(all)].join('\n'))
  if (process.env.DETAILS === '1') {
    console.log(
      all
        .filter(({ verdict }) => verdict === 'different')
        .map(nameOf)
        .join('\n'),
    )
  }
  await proxy.close()
}
await fixture.close()
