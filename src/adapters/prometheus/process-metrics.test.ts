import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExposition, seriesValue } from '../../../test/support/exposition.ts'
import { conventionFaults } from '../../../test/support/metric-conventions.ts'
import { until } from '../../../test/support/service.ts'
import { metricRegistry } from './families.ts'
import { processMetrics } from './process-metrics.ts'

const BUSY_MS = 60

function busy(): void {
  const untilMs = performance.now() + BUSY_MS
  while (performance.now() < untilMs);
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
const LONGEST = 'nodejs_eventloop_delay_max_seconds'

test('a process tells of itself, by the names that processes have everywhere', async (t) => {
  const registry = metricRegistry()
  t.after(processMetrics(registry))
  const before = await registry.metrics()
  const families = readExposition(before)
  assert.deepEqual(
    families.map(({ name, type }) => `${name} ${type}`),
    [
      'process_cpu_seconds_total counter',
      'process_start_time_seconds gauge',
      'process_resident_memory_bytes gauge',
      'nodejs_heap_size_total_bytes gauge',
      'nodejs_heap_size_used_bytes gauge',
      'nodejs_eventloop_delay_p99_seconds gauge',
      `${LONGEST} gauge`,
    ],
  )
  assert.deepEqual(families.flatMap(conventionFaults), [])
  busy()
  const after = await registry.metrics()
  const worked = seriesValue(after, 'process_cpu_seconds_total') - seriesValue(before, 'process_cpu_seconds_total')
  // Other programs may have had the processor for most of the time; and there are more threads than one.
  assert.ok(worked > 0 && worked < 10, `${worked} s`)
  assert.ok(Math.abs(seriesValue(after, 'process_start_time_seconds') - (Date.now() / 1_000 - process.uptime())) < 5)
  const [resident, total, used] = ['process_resident_memory_bytes', 'nodejs_heap_size_total_bytes']
    .concat('nodejs_heap_size_used_bytes')
    .map((name) => seriesValue(after, name))
  assert.ok(Number(used) > 1_000_000 && Number(total) >= Number(used) && Number(resident) > Number(total))
})

test('a turn of the event loop that is long shows, in one scrape, and not when nobody measures', async (t) => {
  const registry = metricRegistry()
  const stop = processMetrics(registry)
  t.after(stop)
  const longest = async () => seriesValue(await registry.metrics(), LONGEST)
  await until('it measures', async () => (await longest()) > 0)
  await turn()
  busy()
  await turn()
  const text = await registry.metrics()
  assert.ok(seriesValue(text, LONGEST) >= BUSY_MS / 1_000)
  assert.ok(seriesValue(text, 'nodejs_eventloop_delay_p99_seconds') > 0)
  await until('it is forgotten', async () => (await longest()) < BUSY_MS / 1_000)
  stop()
  await longest()
  busy()
  await turn()
  assert.equal(await longest(), 0)
})
