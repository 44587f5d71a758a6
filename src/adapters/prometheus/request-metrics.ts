import {
  ANSWERS,
  type Answered,
  type HotObserver,
  READ_PLACES,
  type ReadObserver,
  type ReadPlace,
  type RequestObserver,
  type ServedRoute,
} from '../../ports/metrics.ts'
import { histogram, type MetricRegistry, measuredCounters, measuredGauge } from './families.ts'
import { oneIn } from './one-in.ts'

const MS_A_SECOND = 1_000
/** One in so many of what is answered before the router is timed: to do it costs some 200 ns, a sixtieth of the answer. */
export const TIMED_ONE_IN = 64
/** 0.2 s is what a till should not wait longer than, and 1 s the longest that anything is tried for by default. */
const ROUTED_BUCKETS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
/** Microseconds for what is in memory, milliseconds for what is in Redis. */
const HOT_BUCKETS_SECONDS = [0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.1, 1]
/** Whatever the router does not know. */
const NO_ROUTE: ServedRoute = { method: 'other', route: 'other' }

export type HotRoute = ServedRoute
type Hot = { withBody: number; withoutBody: number }

/**
 * Requests by route. `hotRoute`: the route that the answers before the router belong to. Counted in plain numbers, which are
 * read at the scrape: a series of the client's costs as much as a tenth of a hot read.
 */
export function requestMetrics(registry: MetricRegistry, hotRoute: HotRoute) {
  const hot: Hot = { withBody: 0, withoutBody: 0 }
  const reads: Record<ReadPlace, number> = { near: 0, redis: 0, database: 0 }
  measuredCounters(
    registry,
    {
      name: 'users_reads_total',
      help: 'Answers to reads of users and roles, by where the furthest part of them was read.',
      series: READ_PLACES.map((source) => ({ source })),
    },
    (add) => {
      for (const source of READ_PLACES) add({ source }, reads[source])
    },
  )
  let served: ReturnType<RequestObserver['serving']> | null = null
  const observer: RequestObserver & ReadObserver & { hot: HotObserver } = {
    // Once a process: a second application over the same reads has the same routes.
    serving: (routes) => {
      served ??= servedMetrics(registry, routes, { route: hotRoute, counts: hot })
      return served
    },
    read: (from) => {
      reads[from] += 1
    },
    hot: hotMetrics(registry, hot, reads),
  }
  return observer
}

function hotMetrics(registry: MetricRegistry, hot: Hot, reads: Record<ReadPlace, number>): HotObserver {
  const observe = histogram(registry, {
    name: 'users_hot_read_duration_seconds',
    help: `How long reads of a user took that were answered before the router; one in ${TIMED_ONE_IN} is timed.`,
    labels: { source: READ_PLACES },
    buckets: HOT_BUCKETS_SECONDS,
  })
  return {
    begun: oneIn(TIMED_ONE_IN),
    answered(from, withBody, begunAtMs) {
      reads[from] += 1
      if (withBody) hot.withBody += 1
      else hot.withoutBody += 1
      if (begunAtMs > 0) observe({ source: from }, (performance.now() - begunAtMs) / MS_A_SECOND)
    },
  }
}

function servedMetrics(
  registry: MetricRegistry,
  routes: readonly ServedRoute[],
  hot: { route: HotRoute; counts: Hot },
): ReturnType<RequestObserver['serving']> {
  const known = new Map([...routes, NO_ROUTE].map((each) => [keyOf(each), { ...each, counts: noAnswers() }]))
  const none = known.get(keyOf(NO_ROUTE))
  const series = [...known.values()].map(({ method, route }) => ({ method, route }))
  let inFlight = 0
  measuredCounters(
    registry,
    {
      name: 'users_http_requests_total',
      help: 'Requests that were answered, or whose caller has gone, by route and class of status.',
      series: series.flatMap((each) => ANSWERS.map((status) => ({ ...each, status }))),
    },
    (add) => {
      for (const { method, route, counts } of known.values()) {
        for (const status of ANSWERS) add({ method, route, status }, counts[status])
      }
      if (!known.has(keyOf(hot.route))) return
      add({ ...hot.route, status: '2xx' }, hot.counts.withBody)
      add({ ...hot.route, status: '3xx' }, hot.counts.withoutBody)
    },
  )
  const observe = histogram(registry, {
    name: 'users_http_request_duration_seconds',
    help: 'How long requests took that passed the router, until the last byte was handed over. See also hot reads.',
    labels: { method: series.map(({ method }) => method), route: series.map(({ route }) => route) },
    series,
    buckets: ROUTED_BUCKETS_SECONDS,
  })
  measuredGauge(
    registry,
    { name: 'users_http_requests_in_flight', help: 'Requests that have passed the router and are not answered yet.' },
    () => inFlight,
  )
  return {
    began() {
      inFlight += 1
    },
    ended(by, how, ms) {
      inFlight -= 1
      const found = known.get(keyOf(by)) ?? none
      if (found === undefined) return
      found.counts[how] += 1
      observe({ method: found.method, route: found.route }, ms / MS_A_SECOND)
    },
  }
}

const keyOf = ({ method, route }: ServedRoute): string => `${method} ${route}`
const noAnswers = (): Record<Answered, number> => ({ '2xx': 0, '3xx': 0, '4xx': 0, '5xx': 0, aborted: 0 })
