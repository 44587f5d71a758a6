import type { Measured } from '../rounds.ts'
import { spread } from '../statistics.ts'

/**
 * What was measured a little at a time, as if at once: each figure of a request counts as often as there were requests.
 * Of percentiles the middle one.
 */
export function together(slices: Measured[]): Measured {
  const sum = (pick: (slice: Measured) => number) => slices.reduce((total, slice) => total + pick(slice), 0)
  const requests = sum((slice) => slice.requests)
  const aRequest = (pick: (slice: Measured) => number) =>
    sum((slice) => (slice.requests === 0 ? 0 : slice.requests * pick(slice))) / requests
  const middle = (pick: (slice: Measured) => number) => spread(slices.map(pick)).median
  const sources: Measured['sources'] = {}
  for (const [source, count] of slices.flatMap((slice) => Object.entries(slice.sources)))
    sources[source] = (sources[source] ?? 0) + count
  return {
    requests,
    requestsPerSecond: middle((slice) => slice.requestsPerSecond),
    p50Ms: middle((slice) => slice.p50Ms),
    p99Ms: middle((slice) => slice.p99Ms),
    serverCpuUs: aRequest((slice) => slice.serverCpuUs),
    redisCpuUs: aRequest((slice) => slice.redisCpuUs),
    workerCpuUs: aRequest((slice) => slice.workerCpuUs),
    generatorBusy: middle((slice) => slice.generatorBusy),
    sources,
    errors: sum((slice) => slice.errors),
    complaints: slices.flatMap((slice) => slice.complaints),
  }
}
