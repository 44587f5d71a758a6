import type { Machine } from '../machine.ts'
import { ranged, table, toOne, toTwo, whole } from '../markdown.ts'
import { percentile, spread } from '../statistics.ts'
import type { BurstRound, Drained, Published } from './bursts.ts'
import type { Coalesced } from './coalescing.ts'
import { PARTITIONS, type SideName } from './rig.ts'
import type { Kind, Usage } from './usage.ts'
import type { Visible } from './visible.ts'

export type Results = {
  command: string
  /** YYYY-MM-DD. */
  date: string
  machine: Machine
  users: number
  bursts: BurstRound[]
  coalescing: Record<SideName, Coalesced[]>[]
  visibility: Record<SideName, Visible>[]
}

const WAYS: Record<SideName, string> = { direct: 'out of the database', kafka: 'over Kafka' }
const SIDES = Object.keys(WAYS) as SideName[]
const KINDS = ['projectors', 'relay', 'redis', 'broker'] as const
const MICROSECONDS = 1_000_000

/** The results as a Markdown page. */
export function report(results: Results): string {
  const { bursts, coalescing, visibility } = results
  const sections = [
    head(results),
    bursts.length > 0 && burstSection(results),
    bursts.length > 0 && costSection(bursts),
    coalescing.length > 0 && coalescingSection(coalescing),
    visibility.length > 0 && visibilitySection(visibility),
  ]
  return `${sections.filter((section) => section !== false).join('\n\n')}\n`
}

function head({ command, date, machine, users, bursts, coalescing, visibility }: Results): string {
  const { cores, cpu, memoryGib, node, redis, commit } = machine
  return `# Changes over Kafka: what they cost

| | |
|---|---|
| command | \`${command}\` |
| date, commit | ${date}, ${commit} |
| machine | ${cores} cores (${cpu}), ${memoryGib.toFixed(0)} GiB; service, Redis, broker and database share them |
| software | Node ${node}, Redis ${redis}, one Kafka broker with a heap of 256 MiB, embedded SQLite |
| data | ${whole(users)} users; ${PARTITIONS} partitions, one copy of each |
| rounds | bursts ${bursts.length}, coalescing ${coalescing.length}, single writes ${visibility.length} |

Made by \`make bench-kafka\`; how it is measured: \`bench/README.md\`. Where two values stand in brackets, they are the least
and the most of the rounds, and the value before them is the median.`
}

type Row = { name: string; projectors: string; rounds: (Drained | Published)[] }

function rowsOf(bursts: BurstRound[]): Row[] {
  const drained = (side: SideName, what: string): Row[] =>
    (bursts[0]?.[side] ?? []).map(({ projectors }, i) => ({
      name: what,
      projectors: String(projectors),
      rounds: bursts.flatMap((round) => round[side][i] ?? []),
    }))
  return [
    ...drained('direct', 'database → Redis'),
    { name: 'database → topic', projectors: 'relay', rounds: bursts.flatMap(({ published }) => published) },
    ...drained('kafka', 'topic → Redis'),
  ]
}

function burstSection({ bursts, users, machine }: Results): string {
  const rows = rowsOf(bursts).map(({ name, projectors, rounds }) => [
    name,
    projectors,
    told(rounds, ({ changes, usage }) => changes / usage.seconds, whole),
    told(rounds, ({ usage }) => 100 * usage.machineBusy, whole),
    ...KINDS.map((kind) => coresOf(rounds, kind)),
    told(rounds, ({ usage }) => restOf(usage, machine.cores), toTwo),
    told(rounds, ({ peakMib }) => Math.max(...[peakMib].flat()), whole),
  ])
  const columns = ['from → to', 'projectors', 'changes/s', 'machine busy %']
  const cpu = ['projectors', 'relay', 'Redis', 'broker', 'all else'].map((kind) => `${kind}: cores`)
  return `## A burst: everybody is changed once

One transaction of another program changes all ${whole(users)} users. \`database → Redis\`: the projecting workers take the changes
out of the database, from the commit until none is left. \`database → topic\`: one relay, with nothing else running.
\`topic → Redis\`: all changes stand in the topic; the workers have joined, and it is timed from the first progress until
everything is committed. "Cores" is CPU time over time, of all processes of that kind together; memory is the most (RSS)
that any one worker has held, in MiB. Where the machine is busy to nearly 100 %, its ${machine.cores} cores are the limit, and
another worker can add nothing. "All else" is the measuring itself (a tenth or two) and whatever else the machine did: where it is
more than that, the run was disturbed.

${table([...columns, ...cpu, 'memory'], rows)}`
}

/** What everybody else on the machine used: the measuring itself, and strangers, who should not be there. */
export function restOf({ seconds, cpuSeconds, machineBusy }: Usage, cores: number): number {
  const known = Object.values(cpuSeconds).reduce((sum, cpu) => sum + cpu, 0)
  return Math.max(0, machineBusy * cores - known / seconds)
}

/** CPU time over time. */
function coresOf(rounds: { usage: Usage }[], kind: Kind): string {
  if (rounds.every(({ usage }) => usage.cpuSeconds[kind] === undefined)) return '–'
  return told(rounds, ({ usage }) => (usage.cpuSeconds[kind] ?? Number.NaN) / usage.seconds, toTwo)
}

function costSection(bursts: BurstRound[]): string {
  const rows = rowsOf(bursts).map(({ name, projectors, rounds }) => [
    name,
    projectors,
    ...KINDS.map((kind) => costOf(rounds, kind)),
  ])
  const bytes = bursts.flatMap(({ published }) => published.map(({ bytesPerChange }) => bytesPerChange))
  return `## What one change costs

CPU time in microseconds a change, in the same bursts. Over Kafka a change costs the sum of \`database → topic\` and
\`topic → Redis\`.

${table(['from → to', 'projectors', 'projectors: µs', 'relay: µs', 'Redis: µs', 'broker: µs'], rows)}

A change takes ${ranged(spread(bytes), toOne)} bytes of the topic, in the batches that the relay makes of a burst.`
}

function costOf(rounds: (Drained | Published)[], kind: Kind): string {
  if (rounds.every(({ usage }) => usage.cpuSeconds[kind] === undefined)) return '–'
  return told(rounds, ({ changes, usage }) => (MICROSECONDS * (usage.cpuSeconds[kind] ?? Number.NaN)) / changes, whole)
}

function coalescingSection(rounds: Record<SideName, Coalesced[]>[]): string {
  const cases = rounds[0]?.direct ?? []
  const rows = cases.map(({ changes, apart }, i) => [
    whole(changes),
    apart ? 'one each' : 'one',
    ...SIDES.map((side) =>
      told(
        rounds.flatMap((round) => round[side][i] ?? []),
        ({ applies }) => applies,
        whole,
      ),
    ),
  ])
  return `## Many changes of one user

How often the projecting worker puts that user in place in Redis, counted there by its commands (MONITOR), each time
after one bulk read of the database.

${table(['changes', 'transactions', ...SIDES.map((side) => WAYS[side])], rows)}`
}

function visibilitySection(rounds: Record<SideName, Visible>[]): string {
  const writes = rounds[0]?.direct.afterMs.length ?? 0
  const rows = SIDES.map((side) => {
    const of = (percent: number) => told(rounds, (round) => percentile(round[side].afterMs, percent), toOne)
    return [WAYS[side], of(50), of(99), of(100)]
  })
  return `## From a write until it is visible

Another program changes one user at a time, after a random pause; ms from the return of its commit until the user's entry
in Redis has the change, ${whole(writes)} writes in a round. Nothing else goes on. Commands of the service itself do not wait for
this: they project before they are answered.

${table(['', 'p50 ms', 'p99 ms', 'most ms'], rows)}`
}

function told<Of>(rounds: Of[], pick: (round: Of) => number, text: (value: number) => string): string {
  const all = spread(rounds.map(pick))
  return rounds.length === 1 ? text(all.median) : ranged(all, text)
}
