import { table, toOne, whole } from '../markdown.ts'
import { FAULT_RATE, type FaultPhase, type Faults } from './faults.ts'
import { type FailureTimes, failureTimesIn, recoveryIn, type Seen, seenIn } from './figures.ts'

export function faultsSection({ phases }: Faults): string {
  return `## The legacy application ill, under load

${whole(FAULT_RATE)} requests a second for a native route and as many that are passed on, all the time, while the legacy application
undergoes one thing after the other. All settings are as usual. Times count from when a request was due, so the generator's own lateness, about a millisecond, is in all of them.

${table(['', 'native: p50 ms', 'p99 ms', 'failed', 'passed on: answers', 'p50 ms', 'p99 ms'], phases.map(seenRow))}

How fast what is passed on fails: p50 and p99 of the failures alone, before the breaker of the legacy application had opened, and
afterwards. When it is well again: until the first 200 came, and until the last failure.

${table(
  [
    '',
    'breaker opened after ms',
    'failures before: p50 / p99 ms',
    'afterwards',
    'first success after ms',
    'last failure after ms',
  ],
  phases.slice(1).map(failureRow),
)}

${words(phases)}`
}

function seenRow({ name, native, proxied }: FaultPhase): string[] {
  const [ours, theirs] = [seenIn(native), seenIn(proxied)]
  return [
    name,
    toOne(ours.p50Ms),
    toOne(ours.p99Ms),
    whole(ours.failures),
    answers(theirs),
    toOne(theirs.p50Ms),
    toOne(theirs.p99Ms),
  ]
}

function answers({ statuses }: Seen): string {
  return statuses.map(([status, count]) => `${status === 0 ? 'none' : status}: ${whole(count)}`).join(', ')
}

function failureRow({ name, isIll, beganAtMs, proxied, openedAfterMs }: FaultPhase): string[] {
  if (!isIll) {
    const { firstSuccessMs, lastFailureMs } = recoveryIn(proxied, beganAtMs)
    // The breaker has been open since the phase before.
    const { after } = failureTimesIn(proxied, beganAtMs)
    return [name, '–', '–', failureCell(after), msOr(firstSuccessMs, 'none'), msOr(lastFailureMs, 'no end')]
  }
  const { before, after } = failureTimesIn(proxied, openedAfterMs === null ? null : beganAtMs + openedAfterMs)
  return [name, msOr(openedAfterMs, 'stayed closed'), failureCell(before), failureCell(after), '–', '–']
}

const failureCell = ({ p50Ms, p99Ms }: FailureTimes) =>
  Number.isNaN(p50Ms) ? '–' : `${toOne(p50Ms)} / ${toOne(p99Ms)}`
const msOr = (ms: number | null, otherwise: string) => (ms === null ? otherwise : whole(ms))

/** In words, of what was measured. */
function words(phases: FaultPhase[]): string {
  const p99s = (ill: boolean) => phases.filter(({ isIll }) => isIll === ill).map(({ native }) => seenIn(native).p99Ms)
  const range = (values: number[]) => `${toOne(Math.min(...values))} to ${toOne(Math.max(...values))} ms`
  const failed = phases.reduce((sum, { native }) => sum + seenIn(native).failures, 0)
  return `Of the native route ${failed === 0 ? 'no request failed' : `${whole(failed)} requests failed`}; its p99 was ${range(p99s(true))} while the
legacy application was ill, and ${range(p99s(false))} while it was well. The breaker opens when more than half of the last 10 s were bad, so
after a good time that takes some seconds; until then a refused connection, or rubbish, is 502 at once. Of a frozen application nothing is
known until 20 or more have waited for 5 s and nobody was answered: then these are 504 and the breaker opens. Those that have no place wait for one
for 5 s at most (503). Afterwards all are 503 at once, and four requests a second try whether it is back.
The last failure came ${recoveries(phases)} ms after the end of what was wrong.`
}

function recoveries(phases: FaultPhase[]): string {
  const afterMs = phases
    .slice(1)
    .filter(({ isIll }) => !isIll)
    .map(({ proxied, beganAtMs }) => msOr(recoveryIn(proxied, beganAtMs).lastFailureMs, 'no end of'))
  return afterMs.join(', ')
}
