import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type MetricRegistry, measuredCounter, measuredGauge } from './families.ts'

const MS_A_SECOND = 1_000
const MICROSECONDS_A_SECOND = 1_000_000
const NANOSECONDS_A_SECOND = 1_000_000_000

/**
 * What every process tells of itself; answers what ends it. Not by the client's `collectDefaultMetrics`: that walks through
 * all open files and handles, 10 ms a scrape with 8,000 connections, in which nobody is answered; and its timers never end.
 */
export function processMetrics(registry: MetricRegistry): () => void {
  measuredCounter(registry, { name: 'process_cpu_seconds_total', help: 'CPU time of the process.' }, () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / MICROSECONDS_A_SECOND
  })
  measuredGauge(
    registry,
    { name: 'process_start_time_seconds', help: 'When the process began, since 1970.' },
    () => performance.timeOrigin / MS_A_SECOND,
  )
  measuredGauge(registry, { name: 'process_resident_memory_bytes', help: 'Memory of the process.' }, () =>
    process.memoryUsage.rss(),
  )
  const heap = 'Memory of JavaScript’s objects in the main thread'
  measuredGauge(registry, { name: 'nodejs_heap_size_total_bytes', help: `${heap}, with what is free in it.` }, () => {
    return process.memoryUsage().heapTotal
  })
  measuredGauge(registry, { name: 'nodejs_heap_size_used_bytes', help: `${heap}.` }, () => {
    return process.memoryUsage().heapUsed
  })
  return eventLoopMetrics(registry)
}

/** Since the last scrape, whoever's that was. */
function eventLoopMetrics(registry: MetricRegistry): () => void {
  // By turns of the loop: a timer would wake an idle process a hundred times a second, and measure its own period too.
  const turns = monitorEventLoopDelay({ samplePerIteration: true })
  turns.enable()
  measuredGauge(
    registry,
    {
      name: 'nodejs_eventloop_delay_p99_seconds',
      help: 'Of 100 turns of the event loop since the last scrape, 99 took no longer.',
    },
    () => turns.percentile(99) / NANOSECONDS_A_SECOND,
  )
  measuredGauge(
    registry,
    { name: 'nodejs_eventloop_delay_max_seconds', help: 'The longest turn of the event loop since the last scrape.' },
    () => {
      const longest = turns.max / NANOSECONDS_A_SECOND
      // Read last: metrics are collected in the order in which they were made.
      turns.reset()
      return longest
    },
  )
  return () => void turns.disable()
}
