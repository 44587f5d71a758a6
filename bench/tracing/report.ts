import type { Machine } from '../machine.ts'
import { ranged, table, toOne, toTwo, whole } from '../markdown.ts'
import { ratios, spread } from '../statistics.ts'
import { type MeasuredCase, type Tracing, WATCHED } from './measure.ts'

export const BEGIN = '<!-- measured: by node bench/tracing.ts --write -->'
export const END = '<!-- /measured -->'

export type Results = {
  command: string
  date: string
  machine: Machine
  rounds: number
  seconds: number
  measured: Tracing
}

const CASES: Record<MeasuredCase, string> = {
  near: 'GET /v1/users/{userId}, out of the near cache: the hot read',
  permission: 'GET /v1/users/{userId}/permissions/{permission}, out of the near cache, by way of the router',
  write: 'PUT /v1/users/{userId}/preferences/{key}: a transaction, an audit entry, a fence, a projection',
}

/** What stands between the marks of docs/tracing.md. */
export function section({ command, date, machine, rounds, seconds, measured }: Results): string {
  const cases = (Object.keys(CASES) as MeasuredCase[]).map((name) => `${CASES[name]}:\n\n${tableOf(measured[name])}`)
  return `${BEGIN}

As measured on ${date} by \`${command}\`: ${machine.cores} cores (${machine.cpu}), Node ${machine.node}, Redis ${machine.redis}. ${rounds} rounds of ${seconds} s each, all in turn; the median, and the
least and the most. CPU time of the process that answers, in microseconds a request. Ratios are of the same round.

${cases.join('\n\n')}

${END}`
}

function tableOf(rows: Tracing[MeasuredCase]): string {
  const base = cpuOf(rows.none)
  const lines = WATCHED.flatMap((watched) => {
    const rounds = rows[watched]
    if (rounds === undefined) return []
    const cpu = cpuOf(rounds)
    const perSecond = spread(rounds.map((round) => round.requestsPerSecond)).median
    return [[watched, ranged(spread(cpu), toOne), ranged(spread(ratios(cpu, base)), toTwo), whole(perSecond)]]
  })
  return table(['watched by', 'CPU µs a request', '÷ none', 'requests/s'], lines)
}

const cpuOf = (rounds: Tracing[MeasuredCase][keyof Tracing[MeasuredCase]] = []) =>
  rounds.map((round) => round.serverCpuUs)
