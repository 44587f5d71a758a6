import { CONNECTIONS } from '../cases.ts'
import { limitsSection } from '../limits.ts'
import type { Machine } from '../machine.ts'
import { ranged, sourcesOf, table, toOne, toTwo, whole } from '../markdown.ts'
import type { Measured } from '../rounds.ts'
import { ratios, spread } from '../statistics.ts'
import type { Contested } from './contest.ts'
import { CONTESTANTS, type ContestantName, type Skipped } from './contestants.ts'
import { OPPONENT_LIMITS } from './limits.ts'
import type { Sized } from './sizes.ts'

export type Results = {
  command: string
  /** YYYY-MM-DD. */
  date: string
  machine: Machine
  /** What the opponents are made of, one line each. */
  software: string[]
  users: number
  hotUsers: number
  rounds: number
  seconds: number
  measurements: Contested
  skipped: Skipped[]
  sizes?: Sized[]
}

/** The results as a Markdown page. */
export function report(results: Results): string {
  const sections = [head(results), contestSection(results)]
  if (results.sizes) sections.push(sizesSection(results.sizes))
  sections.push(limitsSection(new Set(Object.keys(results.measurements)), OPPONENT_LIMITS))
  const wrong = failures(results)
  if (wrong.length > 0) sections.push(`## Errors\n\n${wrong.map((one) => `- ${one}`).join('\n')}`)
  return `${sections.join('\n\n')}\n`
}

/** What makes the run a failure; the figures are then worth nothing. */
export function failures({ measurements, sizes = [] }: Results): string[] {
  const told = (contested: Contested, where: string) =>
    entries(contested).flatMap(([name, rounds]) =>
      rounds.flatMap(({ errors, complaints }, i) =>
        errors === 0 ? [] : [`${where}${name}, round ${i + 1}: ${errors} errors. ${complaints.join('; ')}`],
      ),
    )
  return [
    ...told(measurements, ''),
    ...sizes.flatMap(({ users, measurements: ofSize }) => told(ofSize, `${whole(users)} users, `)),
  ]
}

function head({ command, date, machine, software, users, hotUsers, rounds, seconds }: Results): string {
  const { cores, cpu, memoryGib, node, redis, commit } = machine
  return `# The hot read beside others

| | |
|---|---|
| command | \`${command}\` |
| date, commit | ${date}, ${commit} |
| machine | ${cores} cores (${cpu}), ${memoryGib.toFixed(0)} GiB; load generator, servers and Redis share them |
| software | Node ${node}, Redis ${redis}, embedded SQLite |
${software.map((line) => `| opponents | ${line} |\n`).join('')}| data | ${whole(users)} users, ${whole(hotUsers)} of them asked for in turn |
| load | ${CONNECTIONS} connections, one request at a time each; rounds: ${rounds}, in each one contestant after the other is started, warmed up and measured for ${seconds} s |

What was done to make each of them fast, and how to read this: \`bench/README.md\`. Every answer was compared with the
service's. Ours is shown a token with each request, checks it, counts it and says what is left; bare is shown the same one,
the others none. Where two values stand in brackets, they are the least and the most of the rounds, and the value before them is
the median.`
}

function contestSection({ measurements, skipped }: Results): string {
  const measured = entries(measurements)
  const bare = measurements.bare ?? []
  const notes = measured.map(([name]) => `- **${name}**: ${CONTESTANTS[name]}`)
  const left = skipped.map(({ name, why }) => `- **${name}** was skipped: ${why}`)
  return `## CPU time a request

${[...notes, ...left].join('\n')}

In microseconds, of all processes of the server together, and of Redis:

${table(
  ['', 'server', 'Redis', 'server + Redis', 'server ÷ bare', '(server + Redis) ÷ bare'],
  measured.map(([name, rounds]) => costRow(name, rounds, bare)),
)}

## Requests

${table(
  ['', 'requests/s', 'p50 ms', 'p99 ms', 'read from', 'errors', 'generator busy'],
  measured.map(([name, rounds]) => rateRow(name, rounds)),
)}`
}

function costRow(name: string, rounds: Measured[], bare: Measured[]): string[] {
  const server = rounds.map((round) => round.serverCpuUs)
  const both = rounds.map((round) => round.serverCpuUs + round.redisCpuUs)
  const toBare = (values: number[]) => {
    const bases = bare.map((round) => round.serverCpuUs)
    return name === 'bare' ? '1' : ranged(spread(ratios(values, bases)), toTwo)
  }
  return [
    name,
    ranged(spread(server), toOne),
    toOne(spread(rounds.map((round) => round.redisCpuUs)).median),
    ranged(spread(both), toOne),
    toBare(server),
    toBare(both),
  ]
}

function rateRow(name: string, rounds: Measured[]): string[] {
  const of = (pick: (round: Measured) => number, text: (value: number) => string) =>
    ranged(spread(rounds.map(pick)), text)
  return [
    name,
    of((round) => round.requestsPerSecond, whole),
    of((round) => round.p50Ms, toTwo),
    of((round) => round.p99Ms, toTwo),
    sourcesOf(rounds),
    whole(rounds.reduce((errors, round) => errors + round.errors, 0)),
    `${whole(100 * spread(rounds.map((round) => round.generatorBusy)).median)} %`,
  ]
}

function sizesSection(sizes: Sized[]): string {
  const rows = sizes.flatMap(({ users, asked, measurements }) =>
    entries(measurements).map(([name, rounds]) => {
      const [, server, redis, , ratio] = costRow(name, rounds, measurements.bare ?? [])
      const p99Ms = spread(rounds.map((round) => round.p99Ms))
      return [whole(users), name, whole(asked), server, redis, ratio, ranged(p99Ms, toTwo), sourcesOf(rounds)].map(
        String,
      )
    }),
  )
  return `## By number of users

The users asked for are spread evenly over all there are.

${table(['users', '', 'asked for', 'server µs', 'Redis µs', 'server ÷ bare', 'p99 ms', 'read from'], rows)}`
}

function entries(contested: Contested): [ContestantName, Measured[]][] {
  return Object.entries(contested) as [ContestantName, Measured[]][]
}
