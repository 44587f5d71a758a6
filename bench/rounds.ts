import { setTimeout as delay } from 'node:timers/promises'
import { type Case, type CaseName, CONNECTIONS } from './cases.ts'
import type { Load, LoadResult } from './load/load.ts'
import type { LoadThread } from './load/thread.ts'
import { clockTicksPerSecond, treeCpuTicks } from './proc.ts'
import type { Data, Stage } from './stage.ts'
import { percentile } from './statistics.ts'

const WARM_UP_SECONDS = 2
const SETTLE_LIMIT_MS = 30_000
const POLL_MS = 10

/** One case in one round. CPU times are of the process and its children, a request, in microseconds. */
export type Measured = {
  requests: number
  requestsPerSecond: number
  p50Ms: number
  p99Ms: number
  serverCpuUs: number
  redisCpuUs: number
  workerCpuUs: number
  generatorBusy: number
  sources: Record<string, number>
  errors: number
  complaints: string[]
}
/** By case, one a round, in the order of the rounds. */
export type Measurements = Partial<Record<CaseName, Measured[]>>

type Options = { cases: Case[]; rounds: number; seconds: number; stage: Stage; data: Data; workerPid: number }

/** Case after case, then the next round: what slows the machine down for a while hits all alike. Round 0 warms up. */
export async function measureRounds({ cases, rounds, seconds, stage, data, workerPid }: Options) {
  const measurements: Measurements = {}
  for (let round = 0; round <= rounds; round += 1) {
    for (const one of cases) {
      stage.say(round === 0 ? `warming up: ${one.name}` : `round ${round} of ${rounds}: ${one.name}`)
      const questions = await one.prepare(round)
      await untilSettled(data)
      const durationMs = 1_000 * (round === 0 ? Math.min(WARM_UP_SECONDS, seconds) : seconds)
      const { port, once } = one
      const load = { port, connections: CONNECTIONS, durationMs, questions, once }
      const result = await measureLoad(stage.generator, load, [one.pid, stage.server.pid, workerPid])
      // Mistakes count even while warming up.
      if (round === 0 && result.errors > 0) throw new Error(`${one.name}: ${result.complaints.join('\n')}`)
      if (round > 0) {
        measurements[one.name] ??= []
        measurements[one.name]?.push(result)
      }
    }
  }
  return measurements
}

/** `pids`: of the server, of Redis and of the worker; what they have started counts as theirs. */
export async function measureLoad(generator: LoadThread, load: Load, pids: number[]): Promise<Measured> {
  const ticksPerSecond = clockTicksPerSecond()
  const before = pids.map(treeCpuTicks)
  const result = await generator.run(load)
  const cpuUs = pids.map((pid, i) => ((treeCpuTicks(pid) - (before[i] ?? 0)) * 1e6) / ticksPerSecond)
  return measured(result, cpuUs)
}

/** `cpuUs`: of the server, of Redis and of the worker, during the whole load. */
export function measured(result: LoadResult, cpuUs: number[]): Measured {
  const { answers, elapsedMs, generatorBusy, sources, errors, complaints } = result
  const requests = answers.tookMs.length
  const tookMs = answers.tookMs.toSorted()
  const [serverCpuUs = 0, redisCpuUs = 0, workerCpuUs = 0] = cpuUs.map((us) => us / requests)
  return {
    requests,
    requestsPerSecond: (requests * 1_000) / elapsedMs,
    p50Ms: percentile(tookMs, 50),
    p99Ms: percentile(tookMs, 99),
    serverCpuUs,
    redisCpuUs,
    workerCpuUs,
    generatorBusy,
    sources,
    errors,
    complaints,
  }
}

/** What an earlier case left for the worker to do would be measured with the next one. */
async function untilSettled({ query }: Data): Promise<void> {
  const deadline = Date.now() + SETTLE_LIMIT_MS
  while (query<{ left: number }>('SELECT COUNT(*) AS left FROM entity_changes')[0]?.left !== 0) {
    if (Date.now() > deadline) throw new Error('the worker does not keep up: change rows are left')
    await delay(POLL_MS)
  }
}
