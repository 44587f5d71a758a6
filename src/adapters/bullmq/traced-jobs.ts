import type { TraceHeaders, Tracing } from '../../ports/tracing.ts'

/** In a job's data, beside what the job is about: the trace that it was asked for in. */
const TRACE = 'trace'

type Carrying = { [TRACE]?: TraceHeaders }

/** Data that are no object carry nothing. */
export function withTrace<Data>(data: Data, tracing: Tracing | null): Data {
  const carried = tracing?.carried() ?? {}
  const isRecord = typeof data === 'object' && data !== null && !Array.isArray(data)
  return isRecord && Object.keys(carried).length > 0 ? { ...data, [TRACE]: carried } : data
}

/** Jobs as pieces of work of their own, which go on with what has asked for them. */
export function tracedJobs(tracing: Tracing | null, queue: string) {
  return {
    run<Result>(data: unknown, stop: AbortSignal, work: () => Promise<Result>): Promise<Result> {
      if (tracing === null) return work()
      const from = (data as Carrying | null)?.[TRACE]
      const goesOn = from === undefined ? [] : [from]
      return tracing.background({ group: 'job', name: queue, from: goesOn, isLong: true, stop }, work)
    },
    /** As whoever has asked gave it: also where another process, which reports, has added its trace. */
    dataOf<Data>(data: unknown): Data {
      if (typeof data !== 'object' || data === null || !Object.hasOwn(data, TRACE)) return data as Data
      const { [TRACE]: _, ...rest } = data as Carrying
      return rest as Data
    },
  }
}
