import { ranged, sourcesOf, table, toOne, toTwo, whole } from '../markdown.ts'
import type { Measured } from '../rounds.ts'
import { ratios, spread } from '../statistics.ts'
import { AUTHENTICATION_CASES, type Authentication, type AuthenticationCase } from './measure.ts'
import { SHOWN, type Shown } from './tokens.ts'

/** What was wanted of the hot read: at most so many times the CPU time that it takes without authentication. */
const WANTED_AT_MOST = 1.1
const WITHOUT = 'off'

/** The results as a section of the page. */
export function authenticationSection({ measurements, tokenBytes }: Authentication): string {
  const columns = ['case', 'server', '÷ off', '÷ off, same requests', 'p50 ms', 'p99 ms', 'read from', 'errors']
  return `## Authentication

GET /v1/users/{userId} over the hot users, out of the near cache, asked of listeners of one process that differ in who may ask alone:

- **off**: everybody, without a look at what they show; nothing is counted, and no answer has RateLimit headers
- **off, …**: the same, but each request carries a token, as it does of **on**: what reading the longer request costs by itself.
  With \`Bearer\` it has ${whole(tokenBytes.ES256)} bytes signed with ES256, ${whole(tokenBytes.RS256)} with RS256
- **on, …**: whose token was verified before, ${whole(SHOWN.RS256.callers)} callers who take turns; each request is counted, and the answer says what is left
- **…, many**: ${whole(SHOWN['RS256, many'].callers)} callers over the same ${whole(SHOWN.RS256.callers)} connections

CPU time of the process in microseconds a request. Ratios are of the same round; in each the process is new, warmed up, and all are
asked in turn, a quarter of a second at a time. What **off, once more** differs from 1 is chance:

${table(
  columns,
  entries(measurements).map(([name, rounds]) => row(name, rounds, measurements)),
)}

${verdict(measurements)}`
}

function row(name: AuthenticationCase, rounds: Measured[], all: Authentication['measurements']): string[] {
  const sent = sentAlike(name)
  const over = (base: AuthenticationCase) => ranged(ratioTo(base, name, all), toTwo)
  const of = (pick: (round: Measured) => number) => spread(rounds.map(pick))
  return [
    name,
    ranged(
      of((round) => round.serverCpuUs),
      toOne,
    ),
    name === WITHOUT ? '1' : over(WITHOUT),
    sent === null ? '' : over(sent),
    toTwo(of((round) => round.p50Ms).median),
    toTwo(of((round) => round.p99Ms).median),
    sourcesOf(rounds),
    whole(rounds.reduce((errors, round) => errors + round.errors, 0)),
  ]
}

/** The case without authentication whose requests are the same to the last byte. */
function sentAlike(name: AuthenticationCase): AuthenticationCase | null {
  const { at, shows } = AUTHENTICATION_CASES[name]
  return at === 'on' ? `off, ${shows}` : null
}

function ratioTo(base: AuthenticationCase, name: AuthenticationCase, all: Authentication['measurements']) {
  const cpu = (rounds: Measured[]) => rounds.map((round) => round.serverCpuUs)
  return spread(ratios(cpu(all[name]), cpu(all[base])))
}

function verdict(all: Authentication['measurements']): string {
  const told = (Object.keys(SHOWN) as Shown[]).map((shown) => {
    const ratio = (base: AuthenticationCase) => ratioTo(base, `on, ${shown}`, all).median
    const judged = (value: number) => `${toTwo(value)}${value <= WANTED_AT_MOST ? '' : ' (more)'}`
    return `- ${shown}: ${judged(ratio(WITHOUT))} of off, ${judged(ratio(`off, ${shown}`))} of off with the same requests`
  })
  return `Wanted is at most ${toTwo(WANTED_AT_MOST)}:\n\n${told.join('\n')}`
}

/** What makes the run a failure. */
export function authenticationFailures({ measurements }: Authentication): string[] {
  return entries(measurements).flatMap(([name, rounds]) =>
    rounds.flatMap(({ errors, complaints }, i) =>
      errors === 0 ? [] : [`authentication ${name}, round ${i + 1}: ${errors} errors. ${complaints.join('; ')}`],
    ),
  )
}

function entries(measurements: Authentication['measurements']): [AuthenticationCase, Measured[]][] {
  return Object.entries(measurements) as [AuthenticationCase, Measured[]][]
}
