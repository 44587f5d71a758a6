import {
  type CoreObserver,
  DATABASE_CALLS,
  type DatabaseObserver,
  POOLS,
  READ_MODEL_WRITES,
  REDIS_CALLS,
  type ReadModelObserver,
  type ReadModelWrite,
  type RedisObserver,
} from '../../ports/metrics.ts'
import { counter, histogram, type MetricRegistry, measuredCounter, measuredCounters } from './families.ts'
import { oneIn } from './one-in.ts'

const MS_A_SECOND = 1_000
/** One in so many calls of Redis is timed: what they all together cost is then some nanoseconds each. */
export const REDIS_TIMED_ONE_IN = 16
/** From an answer of a database beside us to the longest that anything waits for it by default. */
const CALL_BUCKETS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10]
/** 0.15 s is by default what no read waits longer than. */
const REDIS_BUCKETS_SECONDS = [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.5, 1]
const WAIT_BUCKETS_SECONDS = [0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5]

/** Of what every process has that reads or writes the read models. */
export function coreMetrics(registry: MetricRegistry, database = databaseMetrics(registry)): CoreObserver {
  return {
    database,
    redis: redisMetrics(registry),
    readModels: readModelMetrics(registry),
  }
}

export function databaseMetrics(registry: MetricRegistry): DatabaseObserver {
  const calls = histogram(registry, {
    name: 'users_database_call_duration_seconds',
    help: 'How long statements outside transactions, and whole transactions, took, waiting for a connection among that.',
    labels: { call: DATABASE_CALLS },
    buckets: CALL_BUCKETS_SECONDS,
  })
  const failures = counter(registry, {
    name: 'users_database_failures_total',
    help: 'Statements outside transactions, and transactions, that failed; refusals of a command are not among them.',
    labels: { call: DATABASE_CALLS },
  })
  const waits = histogram(registry, {
    name: 'users_database_connection_wait_duration_seconds',
    help: 'How long calls waited for a connection of their pool.',
    labels: { pool: POOLS },
    buckets: WAIT_BUCKETS_SECONDS,
  })
  const processes = counter(registry, {
    name: 'users_database_driver_processes_started_total',
    help: 'Processes of the database’s driver that were started: the first ones, and those in place of one that was given up.',
    labels: { pool: POOLS },
  })
  return {
    ended(call, failed, ms) {
      calls({ call }, ms / MS_A_SECOND)
      if (failed) failures({ call })
    },
    waited: (pool, ms) => waits({ pool }, ms / MS_A_SECOND),
    processStarted: (pool) => processes({ pool }),
  }
}

export function redisMetrics(registry: MetricRegistry): RedisObserver {
  const calls = histogram(registry, {
    name: 'users_redis_call_duration_seconds',
    help: `How long reads of Redis, and scripts, took, given up ones among them; one in ${REDIS_TIMED_ONE_IN} is timed.`,
    labels: { call: REDIS_CALLS },
    buckets: REDIS_BUCKETS_SECONDS,
  })
  const failed = { read: 0, script: 0 }
  let connections = 0
  measuredCounters(
    registry,
    {
      name: 'users_redis_failures_total',
      help: 'Calls of Redis that failed; of reads, those that came too late, or were refused because it is slow or gone, too.',
      series: REDIS_CALLS.map((call) => ({ call })),
    },
    (add) => {
      for (const call of REDIS_CALLS) add({ call }, failed[call])
    },
  )
  measuredCounter(
    registry,
    {
      name: 'users_redis_connections_total',
      help: 'Connections to Redis that became ready: more than there are servers are reconnections.',
    },
    () => connections,
  )
  return {
    begun: oneIn(REDIS_TIMED_ONE_IN),
    ended(call, hasFailed, begunAtMs) {
      if (hasFailed) failed[call] += 1
      if (begunAtMs > 0) calls({ call }, (performance.now() - begunAtMs) / MS_A_SECOND)
    },
    connected() {
      connections += 1
    },
  }
}

export function readModelMetrics(registry: MetricRegistry): ReadModelObserver {
  const series = Object.entries(READ_MODEL_WRITES).flatMap(([write, outcomes]) =>
    outcomes.map((outcome) => ({ write, outcome })),
  )
  const counts = new Map<string, number>()
  measuredCounters(
    registry,
    {
      name: 'users_read_model_writes_total',
      help: 'Writes to users’ entries in Redis, by kind (docs/consistency.md) and what became of them.',
      series,
    },
    (add) => {
      for (const { write, outcome } of series) add({ write, outcome }, counts.get(`${write} ${outcome}`) ?? 0)
    },
  )
  return {
    wrote(write: ReadModelWrite, outcome: string) {
      const key = `${write} ${outcome}`
      counts.set(key, (counts.get(key) ?? 0) + 1)
    },
  }
}
