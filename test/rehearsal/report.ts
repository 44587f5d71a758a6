import type { Host } from '../../bench/machine.ts'
import { table, toOne, whole } from '../../bench/markdown.ts'
import { spread } from '../../bench/statistics.ts'
import type { Flatness } from './flatness.ts'
import type { Phase } from './phases.ts'
import type { Settings } from './pods.ts'
import type { Rehearsed } from './rehearsal.ts'
import type { Steady } from './steady.ts'

const MS_A_SECOND = 1_000

export type SteadyResults = Steady & { seconds: number; rate: number; seed: number; users: number; host: Host }

export function steadyReport({
  phase,
  measures,
  faults,
  acknowledged,
  seconds,
  rate,
  seed,
  users,
  host,
}: SteadyResults): string {
  const sources = [...phase.sources].map(([from, count]) => `${from} ${whole(count)}`).join(', ')
  const most = Math.max(
    ...measures
      .filter(({ what }) => what === 'loop delay p99 ms')
      .flatMap(({ points }) => points.map(({ value }) => value)),
  )
  return `# Steady for ${seconds} s

${machine(host)}; ${whole(users)} users, ${rate} requests/s asked for, seed ${seed}.
${whole(phase.requests)} requests, ${whole(acknowledged)} commands, ${phase.failures.length} failed, ${phase.wrongAnswers} wrong; the slowest took ${whole(phase.slowestMs)} ms;
read from: ${sources}. Loop delay p99 at most ${toOne(most)} ms. Faults: ${faults.length}.

${table(['', 'measure', 'first third', 'last third', 'slope an hour', 'least–most', ''], measures.map(measureRow))}
`
}

const VERDICTS = new Map<boolean | null, string>([
  [true, 'flat'],
  [false, '**grows**'],
  [null, ''],
])

function measureRow({ who, what, first, last, slopeAnHour, points, flat }: Flatness): string[] {
  const { min, max } = spread(points.map(({ value }) => value))
  return [
    who,
    what,
    toOne(first),
    toOne(last),
    toOne(slopeAnHour),
    `${toOne(min)}–${toOne(max)}`,
    VERDICTS.get(flat) ?? '',
  ]
}

const machine = (host: Host) =>
  `${host.cores} cores (${host.cpu}), ${host.memoryGib.toFixed(0)} GiB, Node ${host.node}, ${host.commit}`

export type RehearsalResults = Rehearsed & { rate: number; seed: number; users: number; settings: Settings; host: Host }

export function rehearsalReport({
  phases,
  faults,
  acknowledged,
  ended,
  rate,
  seed,
  users,
  settings,
  host,
}: RehearsalResults): string {
  const { preStopMs, terminationMs, environment, readiness } = settings.api
  const longest = Math.max(0, ...ended.map(({ tookMs }) => tookMs))
  return `# Rehearsal

${machine(host)}; ${whole(users)} users, ${rate} requests/s asked for, seed ${seed}. API by the chart: preStop ${preStopMs} ms, draining
${environment.SHUTDOWN_DRAIN_MS} ms, terminationGracePeriod ${terminationMs} ms, readiness every ${readiness?.periodMs} ms, ${readiness?.failures} failures.
${whole(acknowledged)} commands acknowledged. ${ended.length} pods ended by themselves, the slowest after ${whole(longest)} ms. Faults: ${faults.length}.

${table(
  [
    '',
    's',
    'requests',
    'failed',
    'within s',
    'repeated',
    'wrong',
    'database',
    'Redis',
    'near',
    'Read-Age ms',
    'waited ms',
    'slowest ms',
  ],
  phases.map(phaseRow),
)}

${phases.flatMap((phase) => notesOf(phase)).join('\n')}
`
}

function phaseRow({
  name,
  fromMs,
  toMs,
  requests,
  failures,
  repeated,
  wrongAnswers,
  sources,
  oldestMs,
  waitingMs,
  slowestMs,
}: Phase): string[] {
  const from = (source: string) => whole(sources.get(source) ?? 0)
  return [
    ...[
      name,
      toOne((toMs - fromMs) / MS_A_SECOND),
      whole(requests),
      whole(failures.length),
      within({ fromMs, failures }),
    ],
    ...[whole(repeated), whole(wrongAnswers), from('database'), from('redis'), from('near')],
    ...[whole(oldestMs), whole(waitingMs), whole(slowestMs)],
  ]
}

/** From the beginning of the phase until the last failure. */
const within = ({ fromMs, failures }: Pick<Phase, 'fromMs' | 'failures'>): string =>
  failures.length === 0 ? '' : toOne((Math.max(...failures.map(({ atMs }) => atMs)) - fromMs) / MS_A_SECOND)

function notesOf({ name, fromMs, notes, failures }: Phase): string[] {
  const reasons = new Map<string, number>()
  for (const { reason, pod, sentAtMs } of failures) {
    const what = `${reason} at ${pod}${sentAtMs - fromMs < IN_FLIGHT_MS ? ', at once' : ''}`
    reasons.set(what, (reasons.get(what) ?? 0) + 1)
  }
  const failed = [...reasons].map(([reason, count]) => `${count} × ${reason}`)
  return [
    ...notes.map(([what, value]) => `- ${name}: ${what} ${value}`),
    ...failed.map((line) => `- ${name}: failed: ${line}`),
  ]
}
/** What was sent by then may have been under way when the phase began. */
const IN_FLIGHT_MS = 50
