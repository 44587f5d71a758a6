import { MICROSERVICES } from '../../src/domain/neighbours.ts'
import type { Machine } from '../machine.ts'
import { table, toOne, toTwo, whole } from '../markdown.ts'
import { type Spread, spread } from '../statistics.ts'
import {
  hotP99,
  lateP99,
  MOST_REQUESTS_A_CALL,
  reachedIn,
  reasonsIn,
  requestsACall,
  type Seen,
  seenIn,
} from './figures.ts'
import { HEALTHY_MS, HOT_RATE, type Measured, type Pace } from './measure.ts'
import type { Phase } from './phases.ts'
import { FRESH_MS, STALE_MS, USERS } from './rig.ts'

export type Results = { command: string; date: string; machine: Machine; pace: Pace; measured: Measured[] }

const REASONS_SHOWN = 3
/** What stands above it in the page is written by hand, and stays. */
export const BEGIN = '<!-- From here on written by `make resilience`. -->'

/** The page with these results in place of the last ones. */
export function withMeasured(page: string, text: string): string {
  const [before, ...after] = page.split(BEGIN)
  if (before === undefined || after.length !== 1) throw new Error(`the page must have one line ${BEGIN}`)
  return `${before}${BEGIN}\n\n${text}`
}

/** What must not be; each makes the run fail. */
export function failures(measured: Measured[]): string[] {
  return measured.flatMap((one) => {
    const { name, before, during, openedAfterMs, closedAfterMs, arrangement, complaints } = one
    const wrong = seenIn([...before.profiles, ...during.profiles]).shares.error > 0
    const hotWrong = seenIn([...before.hot, ...during.hot]).shares.error > 0
    const storm = requestsACall(during) > MOST_REQUESTS_A_CALL
    const stuck = arrangement === 'usual' && openedAfterMs.length > 0 && closedAfterMs === null
    return [
      ...(wrong || hotWrong || complaints.length > 0 ? [`${name}: wrong answers: ${complaints.join('; ')}`] : []),
      ...(storm ? [`${name}: ${toTwo(requestsACall(during))} requests a call`] : []),
      ...(stuck ? [`${name}: a breaker did not close again`] : []),
    ]
  })
}

/** The results as Markdown. */
export function report(results: Results): string {
  const { measured } = results
  return `${[head(results), clientSection(measured), neighbourSection(measured)].join('\n\n')}\n`
}

function head({ command, date, machine, pace, measured }: Results): string {
  const { cores, cpu, memoryGib, node, redis, commit } = machine
  const healthy = spread(measured.map(({ before }) => hotP99(before).median))
  const profiles = measured.map(({ before }) => seenIn(before.profiles))
  const busy = spread(measured.map(({ during }) => 100 * during.machineBusy))
  return `## Measured

| | |
|---|---|
| command | \`${command}\` |
| date, commit | ${date}, ${commit} |
| machine | ${cores} cores (${cpu}), ${memoryGib.toFixed(0)} GiB; service, worker, Redis, both neighbours and the load share them, and are busy to ${whole(busy.median)} % (${whole(busy.min)}–${whole(busy.max)}) |
| software | Node ${node}, Redis ${redis}, embedded SQLite |
| data | ${whole(USERS)} users; copies fresh for ${FRESH_MS / 1_000} s (\`NEIGHBOUR_FRESH_MS\`), kept for ${STALE_MS / 1_000} s (\`NEIGHBOUR_STALE_MS\`), all other settings as usual |
| load | ${pace.rate} profiles and ${HOT_RATE} hot GETs a second; each fault ${pace.seconds} s, ${HEALTHY_MS / 1_000} s well before it |
| well, in the ${measured.length} phases before the faults | profile p50 ${ofAll(profiles, ({ p50Ms }) => p50Ms)} ms, p99 ${ofAll(profiles, ({ p99Ms }) => p99Ms)} ms; hot GET p99 ${ranged(healthy)} ms |

Requests come at a constant rate, whatever becomes of those before, and times are counted from when a request was due (the
generator's own lateness is among them: p99 ${toTwo(lateP99(measured))} ms). In brackets: the least and the most. How it is
measured: \`bench/README.md\`.`
}

function clientSection(measured: Measured[]): string {
  const noise = Math.max(...measured.map(({ before }) => hotP99(before).median))
  const marked = (phase: Phase) => `${ranged(hotP99(phase))}${hotP99(phase).median > noise ? ' ▲' : ''}`
  const rows = measured.map(({ name, before, during }) => {
    const { statuses, shares, p50Ms, p99Ms } = seenIn(during.profiles)
    return [
      name,
      [...statuses].map(([status, count]) => `${status === 0 ? 'none' : status}: ${whole(count)}`).join(', '),
      ...[shares.whole, shares['last-known'], shares.without].map(percent),
      ...[p50Ms, p99Ms].map(toOne),
      ranged(hotP99(before)),
      marked(during),
      reasonsIn(during.profiles)
        .slice(0, REASONS_SHOWN)
        .map(([reason, share]) => `${reason} ${percent(share)}`)
        .join(', '),
    ]
  })
  const columns = ['fault', 'answers', 'whole %', 'last known %', 'part missing %', 'p50 ms', 'p99 ms']
  return `### What clients saw

Of profiles, while the fault lasted: status and number of the answers; how many were whole, had a part that was old (with its
\`asOf\`), had none of a part. Where a fault takes time, the p99 is of the time before the breaker opened. Beside them the p99
of the hot GET just before the fault and during it, by slices of ${HEALTHY_MS / 1_000} s: ▲ marks what
is above all phases before, which is more than noise. What \`degraded\` said most, in % of the answers.

${table([...columns, 'hot p99: before', 'during', '`degraded` %'], rows)}`
}

function neighbourSection(measured: Measured[]): string {
  const rows = measured.map((one) => {
    const { before, during } = one
    const reached = reachedIn(during)
    return [
      one.name,
      ...[reached.calls, reached.letThrough, reached.requests].map(whole),
      toTwo(requestsACall(during)),
      `${toTwo(reachedIn(before).requestsAProfile)} → ${toTwo(reached.requestsAProfile)}`,
      ...breakerCells(one),
    ]
  })
  const columns = ['fault', 'calls', 'let through', 'requests', 'amplification', 'requests a profile']
  return `### What reached the neighbours

Of both together, while the fault lasted: calls that profiles needed (and that ended), those that the breaker and the bulkhead
let through, and requests that arrived for them (or were sent, where nobody is there to receive them). *Amplification*: requests a call that
was let through, of the neighbour for which it is more; above ${MOST_REQUESTS_A_CALL} the run fails. *Requests a profile*:
just before the fault, and during it. Then when the first breaker opened (how often they did, where it was more than once
each), and when both were closed after the fault's end.

${table([...columns, 'opened after ms', 'closed after ms'], rows)}`
}

function breakerCells({ arrangement, openedAfterMs, closedAfterMs }: Measured): string[] {
  const [first, ...others] = openedAfterMs
  if (first === undefined) return [arrangement === 'forced-closed' ? 'forced' : 'stayed closed', '–']
  const opened = others.length < MICROSERVICES.length ? whole(first) : `${whole(first)} (${others.length + 1}×)`
  if (arrangement === 'unresolvable') return [opened, 'no end']
  return [opened, closedAfterMs === null ? 'not in time' : whole(Math.max(0, closedAfterMs))]
}

const percent = (share: number) => (share > 0 && share < 0.01 ? toTwo(100 * share) : whole(100 * share))
const ranged = ({ median, min, max }: Spread) =>
  min === max ? toOne(median) : `${toOne(median)} (${toOne(min)}–${toOne(max)})`
const ofAll = (seen: Seen[], value: (one: Seen) => number) => ranged(spread(seen.map(value)))
