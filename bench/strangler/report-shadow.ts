import { ranged, table, toTwo, whole } from '../markdown.ts'
import { type Spread, spread } from '../statistics.ts'
import { type Compared, samplesIn } from './compared.ts'
import { added, aSample, signed } from './figures.ts'
import { SHADOW_CASES, type ShadowCase, type ShadowCost, type ShadowCosts } from './shadow.ts'

export function shadowSection(costs: ShadowCosts): string {
  const names = Object.keys(costs) as ShadowCase[]
  return `## Shadow, and native

\`GET /users/{id}/\` over 2,000 users. What is sampled is a setting of the process, so there are two processes. Many comparisons at
a time (\`SHADOW_CONCURRENT=1000\`): none is to be left out. The legacy application answers what the service does. A native answer
comes out of the near cache, and is put into the legacy shape.

What the client waits, at rate, beside the same process in \`legacy\`:

${table(
  ['', 'p50 ms', 'p99 ms', 'p50 added', 'p99 added'],
  names.map((name) => latencyRow(name, costs)),
)}

What it costs the service, flat out, and at rate:

${table(
  [
    '',
    'service CPU µs',
    'legacy CPU µs',
    'Redis CPU µs',
    'requests/s',
    'CPU µs a sample',
    'at rate: service CPU µs',
    'CPU µs a sample',
  ],
  names.map((name) => cpuRow(name, costs)),
)}

${table(
  ['', 'answers', 'compared', 'equal', 'any other end', 'dropped'],
  names.filter((name) => SHADOW_CASES[name].mode === 'shadow').map((name) => comparedRow(name, costs[name])),
)}

${words(costs)}`
}

function latencyRow(name: ShadowCase, costs: ShadowCosts): string[] {
  const rounds = costs[name]
  const { beside } = SHADOW_CASES[name]
  const cells = [p50Ms, p99Ms].map((value) => ranged(spread(rounds.map(value)), toTwo))
  if (beside === null) return [name, ...cells, '–', '–']
  const more = [p50Ms, p99Ms].map((value) => ranged(added(rounds.map(value), costs[beside].map(value)), signed))
  return [name, ...cells, ...more]
}

function cpuRow(name: ShadowCase, costs: ShadowCosts): string[] {
  const rounds = costs[name]
  const of = (value: (one: ShadowCost) => number) => spread(rounds.map(value))
  return [
    name,
    ranged(of(serviceUs), whole),
    whole(of(({ flatOut }) => flatOut.cpuUs.legacy).median),
    toTwo(of(({ flatOut }) => flatOut.cpuUs.redis).median),
    ranged(
      of(({ flatOut }) => flatOut.requestsPerSecond),
      whole,
    ),
    sampleCell(name, costs, 'flatOut'),
    ranged(of(serviceUsAtRate), whole),
    sampleCell(name, costs, 'atRate'),
  ]
}

function sampleCell(name: ShadowCase, costs: ShadowCosts, load: Load): string {
  const { mode, percent, beside } = SHADOW_CASES[name]
  // A tenth of few requests is less than what rounds differ by.
  const isEnough = percent === 100 || load === 'flatOut'
  return mode === 'shadow' && beside !== null && isEnough
    ? ranged(sampleUs(costs[name], costs[beside], load), whole)
    : '–'
}

type Load = 'flatOut' | 'atRate'
function sampleUs(shadowed: ShadowCost[], without: ShadowCost[], load: Load) {
  const us = (one: ShadowCost) => one[load].cpuUs.service
  const share = (one: ShadowCost) => samplesIn(one.compared[load]) / one[load].requests
  return aSample(shadowed.map(us), without.map(us), shadowed.map(share))
}

function comparedRow(name: ShadowCase, rounds: ShadowCost[]): string[] {
  const sum = (value: (one: ShadowCost) => number) => rounds.reduce((all, one) => all + value(one), 0)
  const ends = (value: (one: Compared) => number) =>
    sum(({ compared }) => value(compared.flatOut) + value(compared.atRate))
  return [
    name,
    whole(sum(({ flatOut, atRate }) => flatOut.requests + atRate.requests)),
    whole(ends(samplesIn)),
    whole(ends(({ equal }) => equal)),
    whole(ends((one) => samplesIn(one) - one.equal)),
    whole(ends(({ dropped }) => dropped)),
  ]
}

/** In words, of what was measured. */
function words(costs: ShadowCosts): string {
  const more = (value: (one: ShadowCost) => number) =>
    added(costs['shadow, 100 % sampled'].map(value), costs.legacy.map(value))
  const us = sampleUs(costs['shadow, 100 % sampled'], costs.legacy, 'flatOut')
  const native = spread(costs.native.map(serviceUs)).median / spread(costs.legacy.map(serviceUs)).median
  return `With every answer compared the client’s wait changes by ${difference(more(p50Ms))} at the median, and by ${difference(more(p99Ms))} at p99. A
comparison begins when its answer has gone out, but it takes the same thread: a request that comes meanwhile waits for it. One
sample takes ${whole(us.median)} µs of CPU time, flat out; at 10 % sampled the difference is near what rounds differ by, so that figure is
rough. A native answer takes ${toTwo(native)} × the service’s CPU time of one that is passed on, and none of the legacy
application’s.`
}

/** Where some rounds say more and some say less, it cannot be told from none. */
function difference(ms: Spread): string {
  const isNone = ms.min <= 0 && ms.max >= 0
  return `${signed(ms.median)} ms${isNone ? ' (not to be told from none: rounds differ by more)' : ''}`
}

const p50Ms = ({ atRate }: ShadowCost) => atRate.p50Ms
const p99Ms = ({ atRate }: ShadowCost) => atRate.p99Ms
const serviceUs = ({ flatOut }: ShadowCost) => flatOut.cpuUs.service
const serviceUsAtRate = ({ atRate }: ShadowCost) => atRate.cpuUs.service
