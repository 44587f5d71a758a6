import { CONNECTIONS } from '../cases.ts'
import type { Machine } from '../machine.ts'
import { whole } from '../markdown.ts'
import { spread } from '../statistics.ts'
import type { Costs } from './cost.ts'
import type { Faults } from './faults.ts'
import { recoveryIn, seenIn } from './figures.ts'
import type { Passed } from './memory.ts'
import type { Pace } from './pace.ts'
import { costSection } from './report-cost.ts'
import { faultsSection } from './report-faults.ts'
import { growthMib, memorySection } from './report-memory.ts'
import { shadowSection } from './report-shadow.ts'
import { USERS } from './rig.ts'
import type { ShadowCosts } from './shadow.ts'

export type Results = {
  command: string
  /** YYYY-MM-DD. */
  date: string
  machine: Machine
  /** The version of @fastify/http-proxy. */
  httpProxy: string
  pace: Pace
  costs?: Costs
  shadow?: ShadowCosts
  faults?: Faults
  memory?: Passed[]
}

/** Buffers of two connections, and what the collector has not taken yet: a fraction of what passes. */
const MOST_GROWTH_MIB = 256

/** The results as a Markdown page. */
export function report(results: Results): string {
  const { costs, shadow, faults, memory } = results
  const sections = [
    head(results),
    ...(costs ? [costSection(costs)] : []),
    ...(shadow ? [shadowSection(shadow)] : []),
    ...(faults ? [faultsSection(faults)] : []),
    ...(memory ? [memorySection(memory)] : []),
  ]
  const wrong = failures(results)
  if (wrong.length > 0) sections.push(`## Errors\n\n${wrong.map((one) => `- ${one}`).join('\n')}`)
  return `${sections.join('\n\n')}\n`
}

/** What must not be; each makes the run fail. */
export function failures({ costs, shadow, faults, memory }: Results): string[] {
  const loads = [
    ...Object.entries(costs ?? {}).flatMap(([name, ways]) =>
      Object.entries(ways).flatMap(([way, rounds]) => rounds.map((round) => ({ name: `${name}, ${way}`, ...round }))),
    ),
    ...Object.entries(shadow ?? {}).flatMap(([name, rounds]) => rounds.map((round) => ({ name, ...round }))),
  ]
  return [
    ...loads.flatMap(({ name, flatOut, atRate }) =>
      [flatOut, atRate].flatMap(({ errors, complaints }) =>
        errors === 0 ? [] : [`${name}: ${errors} errors. ${complaints.join('; ')}`],
      ),
    ),
    ...comparisonFailures(shadow),
    ...faultFailures(faults),
    ...(memory ?? []).flatMap((one) =>
      growthMib(one) > MOST_GROWTH_MIB ? [`${one.what}: ${whole(growthMib(one))} MiB more than before`] : [],
    ),
  ]
}

/** Both sides answer the same: any other end of a comparison is a fault. What was left out is only told. */
function comparisonFailures(shadow: ShadowCosts | undefined): string[] {
  return Object.entries(shadow ?? {}).flatMap(([name, rounds]) =>
    rounds.flatMap(({ compared }) =>
      Object.values(compared).flatMap(({ mismatch, noise, race, failed }) =>
        mismatch + noise + race + failed === 0 ? [] : [`${name}: comparisons of the same did not end in \`equal\``],
      ),
    ),
  )
}

function faultFailures(faults: Faults | undefined): string[] {
  return (faults?.phases ?? []).flatMap(({ name, isIll, beganAtMs, native, proxied }) => {
    const noticed = seenIn(native).failures
    const { lastFailureMs } = recoveryIn(proxied, beganAtMs)
    return [
      ...(noticed > 0
        ? [`${name}: ${noticed} requests of the native route failed. ${faults?.complaints.native.join('; ')}`]
        : []),
      ...(!isIll && lastFailureMs === null ? [`${name}: requests that are passed on still fail`] : []),
    ]
  })
}

function head({ command, date, machine, httpProxy, pace, costs, shadow }: Results): string {
  const { cores, cpu, memoryGib, node, redis, commit } = machine
  const late = [
    ...Object.values(costs ?? {}).flatMap((ways) => Object.values(ways).flat()),
    ...Object.values(shadow ?? {}).flat(),
  ].map(({ atRate }) => atRate.lateP99Ms)
  return `# What the strangler costs

| | |
|---|---|
| command | \`${command}\` |
| date, commit | ${date}, ${commit} |
| machine | ${cores} cores (${cpu}), ${memoryGib.toFixed(0)} GiB; load generator, service, worker, legacy application and Redis share them |
| software | Node ${node}, Redis ${redis}, embedded SQLite, ${whole(USERS)} users; @fastify/http-proxy ${httpProxy} |
| legacy application | a bare \`node:http\` server with fixed answers, in a process of its own: it costs little, so that the way to it shows |
| load | \`flat out\`: ${CONNECTIONS} connections, one request at a time each. \`at rate\`: ${whole(pace.ratePerSecond)} requests a second are due, whatever becomes of those before |
| rounds | ${pace.rounds}; in each one case after the other, each for ${pace.seconds} s flat out and ${pace.seconds} s at rate |

Made by \`make bench-strangler\`. CPU times are of whole processes (\`/proc/<pid>/stat\`), in microseconds a request, flat out where
nothing else is said. Latencies are at rate, from when a request was sent${late.length > 0 ? ` (the generator's timer was late by ${spread(late).median.toFixed(1)} ms at p99)` : ''}. Values are medians of the
rounds, with the least and the most in brackets; differences and ratios are taken within a round. Every answer was compared, byte for
byte. Everything shares ${cores} cores: flat out, requests a second say as much about the machine as about what is measured, and a
difference smaller than the brackets is none. Switching modes 1,000 times under load is not in here: it is a test
(\`test/strangler/switching.long.test.ts\`), which prints its figures.`
}
