import { setTimeout as delay } from 'node:timers/promises'
import { CONNECTIONS } from '../cases.ts'
import type { LoadResult, Question } from '../load/load.ts'
import type { LoadThread } from '../load/thread.ts'
import { clockTicksPerSecond, treeCpuTicks } from '../proc.ts'
import type { OpenResult } from '../resilience/open-load.ts'
import type { OpenThread } from '../resilience/open-thread.ts'
import { percentile } from '../statistics.ts'

/** More than are ever under way where nothing is ill. */
const OPEN_CONNECTIONS = 64
const US_A_SECOND = 1_000_000

/** Who is asked what, and whose CPU time counts. */
export type Target<Who extends string> = { port: number; pids: Record<Who, number>; questions: Question[] }
/** CPU times are of each process, a request. */
type Common<Who extends string> = {
  requests: number
  cpuUs: Record<Who, number>
  errors: number
  complaints: string[]
}
/** As many requests as can be. */
export type FlatOut<Who extends string> = Common<Who> & { requestsPerSecond: number; generatorCpuUs: number }
/** At a rate that leaves everybody time. */
export type AtRate<Who extends string> = Common<Who> & { p50Ms: number; p99Ms: number; lateP99Ms: number }

export async function runFlatOut<Who extends string>(
  generator: LoadThread,
  { port, pids, questions }: Target<Who>,
  seconds: number,
): Promise<FlatOut<Who>> {
  const used = meter(pids)
  const result = await generator.run({
    ...{ port, connections: CONNECTIONS, durationMs: 1_000 * seconds },
    ...{ questions, once: false },
  })
  return flatOut(result, used())
}

export async function runAtRate<Who extends string>(
  thread: OpenThread,
  { port, pids, questions }: Target<Who>,
  { seconds, ratePerSecond }: { seconds: number; ratePerSecond: number },
): Promise<AtRate<Who>> {
  const used = meter(pids)
  const end = thread.begin({
    ...{ port, connections: OPEN_CONNECTIONS, ratePerSecond },
    ...{ questions, first: 0, judge: 'question' },
  })
  await delay(1_000 * seconds)
  return atRate(await end(), used())
}

/** `usedUs`: by each process, during the whole load. */
export function flatOut<Who extends string>(result: LoadResult, usedUs: Record<Who, number>): FlatOut<Who> {
  const { answers, elapsedMs, generatorBusy, errors, complaints } = result
  const requests = answers.tookMs.length
  return {
    requests,
    requestsPerSecond: (1_000 * requests) / elapsedMs,
    generatorCpuUs: (1_000 * generatorBusy * elapsedMs) / requests,
    cpuUs: aRequest(usedUs, requests),
    errors,
    complaints,
  }
}

/**
 * Times count from when a request was sent: nobody waits for a connection here, and how late the generator's timer is
 * would be in all figures alike. What it was is told beside them.
 */
export function atRate<Who extends string>(
  { samples, complaints }: OpenResult,
  usedUs: Record<Who, number>,
): AtRate<Who> {
  const tookMs = samples.map((one) => one.tookMs - one.lateMs).toSorted((a, b) => a - b)
  const lateMs = samples.map((one) => one.lateMs).toSorted((a, b) => a - b)
  return {
    requests: samples.length,
    p50Ms: percentile(tookMs, 50),
    p99Ms: percentile(tookMs, 99),
    lateP99Ms: percentile(lateMs, 99),
    cpuUs: aRequest(usedUs, samples.length),
    errors: samples.filter(({ verdict }) => verdict === 'error').length,
    complaints,
  }
}

function aRequest<Who extends string>(usedUs: Record<Who, number>, requests: number): Record<Who, number> {
  return mapped(usedUs, (us) => us / requests)
}

/** What these processes use from now until it is called. */
function meter<Who extends string>(pids: Record<Who, number>): () => Record<Who, number> {
  const ticksPerSecond = clockTicksPerSecond()
  const before = mapped(pids, treeCpuTicks)
  return () => {
    const after = mapped(pids, treeCpuTicks)
    return mapped(after, (ticks, who) => ((ticks - before[who]) * US_A_SECOND) / ticksPerSecond)
  }
}

function mapped<Who extends string>(values: Record<Who, number>, change: (value: number, who: Who) => number) {
  const entries = Object.entries(values) as [Who, number][]
  return Object.fromEntries(entries.map(([who, value]) => [who, change(value, who)])) as Record<Who, number>
}
