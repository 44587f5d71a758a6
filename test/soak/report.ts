import type { Host } from '../../bench/machine.ts'
import { percentile } from '../../bench/statistics.ts'
import type { Comparison } from './compare.ts'
import type { Delays } from './probes.ts'

export type Results = {
  /** YYYY-MM-DD. */
  date: string
  host: Host
  seed: number
  seconds: number
  users: number
  requests: [kind: string, count: number][]
  sources: [from: string, count: number][]
  errors: [code: string, count: number][]
  commands: { done: number; refused: number; unknown: number; committedUnknown: number }
  foreignWrites: { done: number; refused: number }
  faults: { kind: string; wholeAgainMs: number; longestGapMs: number }[]
  foreign: Delays
  own: Delays
  bounds: { nearMs: number; feedMs: number }
  /** 503, no fault being on. */
  calmRefusals: number
  stallMs: number
  crashes: string[]
  wrongAnswers: number
  wrong: string[]
  lost: string[]
  unhandled: string[]
  comparison: Comparison
  /** Of each process, what it has logged last. */
  lastWords: string[]
}

/** A machine that others use as well may be too slow for a deadline now and then. */
const MOST_CALM_REFUSALS = 0.02

/** What makes the soak fail. */
export function failures(results: Results): string[] {
  const { requests, crashes, wrongAnswers, lost, unhandled, comparison, calmRefusals } = results
  const total = requests.reduce((sum, [, count]) => sum + count, 0)
  return [
    ...(calmRefusals > MOST_CALM_REFUSALS * total ? [`${calmRefusals} times 503 while no fault was on`] : []),
    ...(wrongAnswers > 0 ? [`${wrongAnswers} wrong answers`] : []),
    ...(lost.length > 0 ? [`${lost.length} lost changes`] : []),
    ...(comparison.differences.length > 0 ? [`${comparison.differences.length} unrepaired differences`] : []),
    ...(crashes.length > 0 ? [`ended without being told to: ${crashes.join(', ')}`] : []),
    ...unhandled,
  ]
}

export function report(results: Results): string {
  const { date, host, seed, seconds, users, commands, foreignWrites, comparison } = results
  const failed = failures(results)
  const total = results.requests.reduce((sum, [, count]) => sum + count, 0)
  return `# Soak

Two APIs and two workers as processes of their own, one Redis, one embedded database with ${whole(users)} users, and another
program that writes with plain SQL. ${seconds} s of load, seed ${seed}; \`make soak\` does it again.

| | |
|---|---|
| date, commit | ${date}, ${host.commit} |
| machine | ${host.cores} cores (${host.cpu}), ${host.memoryGib.toFixed(0)} GiB, Node ${host.node}; everything shares them |
| requests | ${whole(total)} |
| faults | ${results.faults.length} |
| **wrong answers** | **${results.wrongAnswers}** |
| **lost changes** | **${results.lost.length}** |
| **unrepaired differences** | **${comparison.differences.length}** |

Every answer was compared with what the database had committed: a state that was, byte for byte, and none older than
what the client knew of. In the end ${whole(comparison.answers)} answers about ${whole(comparison.users)} users, and ${whole(comparison.entries)} entries with all indexes in
Redis, were compared with the tables${comparison.staleHints > 0 ? `; ${comparison.staleHints} hints were left of usernames that nobody has (each use checks them)` : ''}.

## Requests

${table(
  ['kind', 'requests'],
  results.requests.map(([kind, count]) => [kind, whole(count)]),
)}

Read from: ${results.sources.map(([from, count]) => `${from} ${whole(count)}`).join(', ')}.
Commands: ${whole(commands.done)} done, ${whole(commands.refused)} refused by a rule, ${commands.unknown} without an answer (${commands.committedUnknown} of them committed).
Transactions of the other program: ${whole(foreignWrites.done)}, and ${foreignWrites.refused} refused by the database.

## Errors

${
  results.errors.length === 0
    ? 'None.'
    : table(
        ['error', 'times'],
        results.errors.map(([code, count]) => [code, whole(count)]),
      )
}

${results.calmRefusals} times 503 while no fault was on: where the machine was too slow for a deadline.

## Faults

Longest silence: of an API process that was not itself killed or stopped, while the fault was on.

${table(['fault', 'times', 'longest silence ms', 'whole again after ms'], faultRows(results.faults))}

## Until it is shown

${table(
  ['', 'measured', 'p50 ms', 'p99 ms', 'most ms'],
  [
    delayRow("another program's write", results.foreign.calm),
    delayRow('the same, with a fault in between', results.foreign.faulty),
    delayRow('own command, at the other API', results.own.calm),
    delayRow('the same, with a fault in between', results.own.faulty),
  ],
)}

Held against the service: an own command at the other API's near cache after ${whole(results.bounds.nearMs)} ms; another program's write at once
when its change row was gone, and after ${whole(results.bounds.feedMs)} ms without a fault in any case. The client itself was once stalled for ${whole(results.stallMs)} ms.
${failed.length === 0 ? '' : `\n## FAILED\n\n${failed.map((line) => `- ${line}`).join('\n')}\n\n${details(results)}\n`}`
}

const MAX_DETAILS = 20
function details({ wrong, lost, comparison, lastWords }: Results): string {
  const all = [...wrong, ...lost.map((one) => `lost: ${one}`), ...comparison.differences]
  return [...all.slice(0, MAX_DETAILS), ...lastWords].join('\n\n')
}

function faultRows(faults: Results['faults']): string[][] {
  const kinds = [...new Set(faults.map(({ kind }) => kind))].sort()
  return kinds.map((kind) => {
    const of = faults.filter((fault) => fault.kind === kind)
    const most = (values: number[]) => whole(Math.max(...values))
    return [
      kind,
      String(of.length),
      most(of.map(({ longestGapMs }) => longestGapMs)),
      most(of.map(({ wholeAgainMs }) => wholeAgainMs)),
    ]
  })
}

function delayRow(what: string, delays: number[]): string[] {
  const sorted = delays.toSorted((a, b) => a - b)
  const at = (percent: number) => (sorted.length === 0 ? '–' : percentile(sorted, percent).toFixed(1))
  return [what, whole(sorted.length), at(50), at(99), at(100)]
}

function table(columns: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  return [line(columns), `|${'---|'.repeat(columns.length)}`, ...rows.map(line)].join('\n')
}

const whole = (value: number) => value.toLocaleString('en', { maximumFractionDigits: 0 })
