import { ranged, table, toTwo, whole } from '../markdown.ts'
import { spread } from '../statistics.ts'
import { type Cost, type Costs, WAYS, type Way } from './cost.ts'
import { added, signed, times } from './figures.ts'

export function costSection(costs: Costs): string {
  const notes = Object.entries(WAYS).map(([way, what]) => `- **${way}**: ${what}`)
  return `## A request that is passed on

${notes.join('\n')}

Flat out:

${table(
  ['', 'way', 'proxy CPU µs', '× http-proxy', 'legacy CPU µs', 'generator CPU µs', 'requests/s'],
  eachWay(costs, cpuRow),
)}

At rate:

${table(
  ['', 'way', 'p50 ms', 'p99 ms', 'p50 added', 'p99 added', 'p50 added over http-proxy’s', 'proxy CPU µs'],
  eachWay(costs, latencyRow),
)}

${verdict(costs)}
A POST goes over a connection of its own, as does whatever must not be sent twice: a kept one may be closed in the moment in which
it is used. That is in its figures, the legacy application's too; http-proxy takes the risk.
At rate a request takes more CPU time than flat out: each wakes everybody by itself, while flat out several are read and written
at a time. \`forwarder\` reads nothing and decides nothing, so what is above it is the price of
HTTP: parsing the request and the answer, and writing both heads anew. p99 at rate hangs on few requests and on whoever else uses
the two cores: where its brackets are wide it says nothing.`
}

/** With the library that is usual. */
const isCompared = (way: Way) => way !== 'direct' && way !== 'http-proxy'

function eachWay(costs: Costs, row: (way: Way, ways: Costs[keyof Costs]) => string[]): string[][] {
  return Object.entries(costs).flatMap(([name, ways]) =>
    (Object.keys(ways) as Way[]).map((way, i) => [i === 0 ? name : '', way, ...row(way, ways)]),
  )
}

function cpuRow(way: Way, ways: Record<Way, Cost[]>): string[] {
  const rounds = ways[way]
  const of = (value: (one: Cost) => number) => spread(rounds.map(value))
  return [
    way === 'direct' ? '–' : ranged(of(proxyUs), whole),
    isCompared(way) ? ranged(times(rounds.map(proxyUs), ways['http-proxy'].map(proxyUs)), toTwo) : '–',
    ranged(
      of(({ flatOut }) => flatOut.cpuUs.legacy),
      whole,
    ),
    whole(of(({ flatOut }) => flatOut.generatorCpuUs).median),
    ranged(
      of(({ flatOut }) => flatOut.requestsPerSecond),
      whole,
    ),
  ]
}

function latencyRow(way: Way, ways: Record<Way, Cost[]>): string[] {
  const rounds = ways[way]
  const of = (value: (one: Cost) => number) => rounds.map(value)
  const isProxy = way !== 'direct'
  const over = (value: (one: Cost) => number) =>
    isProxy ? ranged(added(of(value), ways.direct.map(value)), signed) : '–'
  return [
    ranged(spread(of(p50Ms)), toTwo),
    ranged(spread(of(p99Ms)), toTwo),
    over(p50Ms),
    over(p99Ms),
    isCompared(way) ? ranged(added(of(p50Ms), ways['http-proxy'].map(p50Ms)), signed) : '–',
    isProxy ? whole(spread(of(({ atRate }) => atRate.cpuUs.proxy)).median) : '–',
  ]
}

/** In words, of what was measured. */
function verdict(costs: Costs): string {
  const told = Object.entries(costs).map(([name, ways]) => {
    const ours = ways['users-service']
    const { median } = times(ours.map(proxyUs), ways['http-proxy'].map(proxyUs))
    const more = added(ours.map(p50Ms), ways.direct.map(p50Ms)).median
    return `${name}: ${toTwo(median)} × the CPU time of http-proxy, and ${toTwo(more)} ms added at the median`
  })
  return `By the service: ${told.join('; ')}.`
}

const proxyUs = ({ flatOut }: Cost) => flatOut.cpuUs.proxy
const p50Ms = ({ atRate }: Cost) => atRate.p50Ms
const p99Ms = ({ atRate }: Cost) => atRate.p99Ms
