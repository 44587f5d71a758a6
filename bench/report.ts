import type { Authentication } from './authentication/measure.ts'
import { authenticationFailures, authenticationSection } from './authentication/report.ts'
import { CASES, type CaseName, CONNECTIONS } from './cases.ts'
import type { Crowd } from './crowd.ts'
import type { Flush } from './flush.ts'
import { limitsSection } from './limits.ts'
import type { Machine } from './machine.ts'
import { ranged, sourcesOf, table, toOne, toTwo, whole } from './markdown.ts'
import type { Rebuilt } from './rebuild.ts'
import { crowdSection, flushSection, rebuildSection, visibilitySection } from './report-parts.ts'
import type { Measured, Measurements } from './rounds.ts'
import { ratios, spread } from './statistics.ts'
import type { Visibility } from './visibility.ts'

export type Results = {
  command: string
  /** YYYY-MM-DD. */
  date: string
  machine: Machine
  users: number
  hotUsers: number
  rounds: number
  seconds: number
  measurements: Measurements
  authentication?: Authentication
  visibility?: Visibility
  crowds?: Crowd[]
  flushes?: Flush[]
  /** By number of users, the fewest first. */
  rebuilds?: Rebuilt[]
}

/** A thread this busy may be what limits the requests a second. */
const GENERATOR_LIMIT = 0.9

/** The results as a Markdown page. */
export function report(results: Results): string {
  const sections = [head(results), casesSection(results)]
  if (results.authentication) sections.push(authenticationSection(results.authentication))
  if (results.visibility) sections.push(visibilitySection(results.visibility))
  if (results.crowds) sections.push(crowdSection(results.crowds))
  if (results.flushes) sections.push(flushSection(results.flushes))
  if (results.rebuilds) sections.push(rebuildSection(results.rebuilds))
  const measured = Object.entries(results).flatMap(([part, value]) => (value === undefined ? [] : [part]))
  sections.push(limitsSection(new Set([...measured, ...Object.keys(results.measurements)])))
  const wrong = failures(results)
  if (wrong.length > 0) sections.push(`## Errors\n\n${wrong.map((one) => `- ${one}`).join('\n')}`)
  return `${sections.filter((section) => section !== '').join('\n\n')}\n`
}

/** What makes the run a failure; the figures are then worth nothing. */
export function failures(results: Results): string[] {
  const { measurements, authentication, visibility, crowds = [], flushes = [] } = results
  const told = (what: string, one: { errors: number; complaints: string[] }) =>
    one.errors === 0 ? [] : [`${what}: ${one.errors} errors. ${one.complaints.join('; ')}`]
  return [
    ...entries(measurements).flatMap(([name, rounds]) =>
      rounds.flatMap((round, i) => told(`${name}, round ${i + 1}`, round)),
    ),
    ...(authentication ? authenticationFailures(authentication) : []),
    ...(visibility ? told('visibility', visibility) : []),
    ...crowds.flatMap((crowd, i) => told(`crowd ${i + 1}`, crowd)),
    ...flushes.flatMap((flush, i) => told(`FLUSHALL ${i + 1}`, flush)),
  ]
}

function head({ command, date, machine, users, hotUsers, rounds, seconds }: Results): string {
  const { cores, cpu, memoryGib, node, redis, commit } = machine
  return `# Performance

| | |
|---|---|
| command | \`${command}\` |
| date, commit | ${date}, ${commit} |
| machine | ${cores} cores (${cpu}), ${memoryGib.toFixed(0)} GiB; load generator, service and Redis share them |
| software | Node ${node}, Redis ${redis}, embedded SQLite |
| data | ${whole(users)} users, ${whole(hotUsers)} of them hot |
| load | ${CONNECTIONS} connections, one request at a time each; ${rounds} rounds of ${seconds} s a case, case after case, after a warm-up |

How to read it: \`bench/README.md\`. Where two values stand in brackets, they are the least and the most of the rounds, and
the value before them is the median.`
}

function casesSection({ measurements }: Results): string {
  const measured = entries(measurements)
  if (measured.length === 0) return ''
  const rates = ['case', 'requests/s', 'p50 ms', 'p99 ms', 'read from', 'errors', 'generator busy']
  const costs = ['case', 'server', 'Redis', 'worker', 'server ÷ bare', 'requests/s ÷ bare']
  const bare = measurements.bare
  const notes = measured.map(([name]) => `- **${name}**: ${CASES[name]}`).join('\n')
  return `## Requests

${notes}

${table(
  rates,
  measured.map(([name, rounds]) => rateRow(name, rounds)),
)}

CPU time of each process, in microseconds a request, and the ratio to the bare server in the same round:

${table(
  costs,
  measured.map(([name, rounds]) => costRow(name, rounds, bare ?? [])),
)}${generatorNote(measured)}`
}

function rateRow(name: string, rounds: Measured[]): string[] {
  const of = (pick: (round: Measured) => number) => spread(rounds.map(pick))
  return [
    name,
    ranged(
      of((round) => round.requestsPerSecond),
      whole,
    ),
    ranged(
      of((round) => round.p50Ms),
      toTwo,
    ),
    ranged(
      of((round) => round.p99Ms),
      toTwo,
    ),
    sourcesOf(rounds),
    whole(rounds.reduce((errors, round) => errors + round.errors, 0)),
    `${whole(100 * of((round) => round.generatorBusy).median)} %`,
  ]
}

function costRow(name: string, rounds: Measured[], bare: Measured[]): string[] {
  const toBare = (pick: (round: Measured) => number) => ranged(spread(ratios(rounds.map(pick), bare.map(pick))), toTwo)
  return [
    name,
    ranged(spread(rounds.map((round) => round.serverCpuUs)), toOne),
    toOne(spread(rounds.map((round) => round.redisCpuUs)).median),
    toOne(spread(rounds.map((round) => round.workerCpuUs)).median),
    name === 'bare' ? '1' : toBare((round) => round.serverCpuUs),
    name === 'bare' ? '1' : toBare((round) => round.requestsPerSecond),
  ]
}

function generatorNote(measured: [CaseName, Measured[]][]): string {
  const limited = measured.filter(([, rounds]) => rounds.some((round) => round.generatorBusy > GENERATOR_LIMIT))
  if (limited.length === 0) return ''
  const names = limited.map(([name]) => name).join(', ')
  return `\n\nThe load generator was at its own limit in: ${names}. The requests a second there are what it could ask.`
}

function entries(measurements: Measurements): [CaseName, Measured[]][] {
  return Object.entries(measurements) as [CaseName, Measured[]][]
}
