import { START } from '../../domain/strangler.ts'
import type { Evidence, EvidenceStore, Finding } from '../../ports/evidence.ts'
import type { RouteModes, StranglerObserver } from '../../ports/strangler.ts'
import type { Log } from '../../ports.ts'
import { addEvidence, addSamples, countAnswer, countPath, noEvidence } from './counts.ts'

export const FLUSH_EVERY_MS = 1_000
/** Routes, each in as many modes as it had while the store was away. */
const MAX_PENDING = 500
const MAX_SAMPLE_DIFFERENCES = 5
const MAX_REQUEST_ID_CHARS = 128

type Deps = {
  store: Pick<EvidenceStore, 'add'>
  modes: RouteModes
  log: Log
  now?: () => Date
  flushEveryMs?: number
}
export type Gathering = StranglerObserver & {
  /** Where answers differ. The comparison itself is counted by `compared`. */
  record(routeId: string, finding: Finding): void
  /** Never rejects. */
  flush(): Promise<void>
  /** Flushes for the last time. */
  stop(): Promise<void>
}
type Pending = { routeId: string; delta: Evidence }

/**
 * What this process sees of the routes, added to what all replicas know now and then. Each count belongs to the mode in
 * which the route was when it was made. What cannot be added is kept, and added later; where only the answer of the store
 * was lost it counts twice, which changes no share.
 */
export function gathering({
  store,
  modes,
  log,
  now = () => new Date(),
  flushEveryMs = FLUSH_EVERY_MS,
}: Deps): Gathering {
  const pending = pendingDeltas(log)
  let isFailing = false
  let last: Promise<void> = Promise.resolve()
  let isFlushing = false

  const of = (routeId: string): Evidence => pending.of(routeId, modes.of(routeId).setting?.at ?? START)
  const add = async ({ routeId, delta }: Pending): Promise<void> => {
    try {
      await store.add(routeId, delta.since, delta)
    } catch (error) {
      putBack(pending.of(routeId, delta.since), delta)
      throw error
    }
  }
  const flushNow = async (): Promise<void> => {
    isFlushing = true
    const results = await Promise.allSettled(pending.take().map(add))
    isFlushing = false
    if (results.length === 0) return
    const failure = results.find((result) => result.status === 'rejected')
    // Said when it begins, and when it is over.
    if (failure === undefined && isFailing) log.info({}, 'what is seen of routes can be kept again')
    if (failure !== undefined && !isFailing)
      log.warn({ reason: String(failure.reason) }, 'what is seen of routes cannot be kept now; it is later')
    isFailing = failure !== undefined
  }
  const flush = (): Promise<void> => {
    last = last.then(flushNow)
    return last
  }
  // While the store is slow nothing queues up: the next time takes it all.
  const timer = setInterval(() => void (isFlushing || flush()), flushEveryMs)
  timer.unref()

  return {
    answered: (routeId, by, failed, ms) => countAnswer(of(routeId)[by], failed, ms),
    asked: (routeId, failed, ms) => countAnswer(of(routeId).legacy, failed, ms),
    compared(routeId, outcome) {
      of(routeId).compared[outcome] += 1
    },
    record(routeId, { outcome, requestId, answeredBy, differences }) {
      const delta = of(routeId)
      for (const { path } of differences) countPath(outcome === 'noise' ? delta.noise : delta.paths, path)
      if (outcome === 'noise') return
      const shown = differences.slice(0, MAX_SAMPLE_DIFFERENCES)
      const id = requestId.slice(0, MAX_REQUEST_ID_CHARS)
      addSamples(delta, [{ at: now().toISOString(), requestId: id, answeredBy, differences: shown }])
    },
    flush,
    async stop() {
      clearInterval(timer)
      await flush()
    },
  }
}

/** What was seen since it was last taken, by route and mode. */
function pendingDeltas(log: Log) {
  let pending = new Map<string, Pending>()
  const dropOldest = (): void => {
    const [oldest] = pending.keys()
    if (oldest !== undefined) pending.delete(oldest)
    log.warn({ oldest }, 'what was seen of a route is forgotten: it could not be kept for too long')
  }
  return {
    of(routeId: string, since: string): Evidence {
      const key = `${routeId} ${since}`
      const known = pending.get(key)
      if (known !== undefined) return known.delta
      if (pending.size >= MAX_PENDING) dropOldest()
      const delta = noEvidence(since)
      pending.set(key, { routeId, delta })
      return delta
    },
    take(): Pending[] {
      const taken = [...pending.values()]
      pending = new Map()
      return taken
    },
  }
}

function putBack(newer: Evidence, older: Evidence): void {
  const { samples } = newer
  newer.samples = []
  addEvidence(newer, older)
  addSamples(newer, samples)
}
