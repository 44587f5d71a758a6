import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MICROSERVICES } from '../../src/domain/neighbours.ts'
import { wireApiMetrics } from '../../src/wiring-metrics.ts'
import { between, countedIn } from './counted.ts'

test('what the service counts is read as it was counted, and differences are of the time between', async () => {
  const { registry, neighbours } = wireApiMetrics()
  const look = async () => countedIn(await registry.metrics())
  neighbours.ended('branches-service', 'answered', 12)
  neighbours.attempted('branches-service')
  const before = await look()
  assert.deepEqual([before['branches-service'].requests, before['branches-service'].calls.answered], [1, 1])
  assert.equal(before['people-service'].calls['circuit-open'], 0)
  for (const neighbour of MICROSERVICES) neighbours.ended(neighbour, 'circuit-open', 0)
  neighbours.attempted('people-service')
  const since = between(before, await look())
  assert.deepEqual([since['branches-service'].requests, since['people-service'].requests], [0, 1])
  assert.deepEqual(
    MICROSERVICES.map((neighbour) => [since[neighbour].calls.answered, since[neighbour].calls['circuit-open']]),
    [
      [0, 1],
      [0, 1],
    ],
  )
})

test('a service that does not count is no service that was not asked', () => {
  assert.throws(() => countedIn('process_cpu_seconds_total 3\n'), /does not count branches-service/)
})
