import assert from 'node:assert/strict'
import { test } from 'node:test'
import { wireApiMetrics } from '../../src/wiring-metrics.ts'
import { comparedIn, samplesIn, since } from './compared.ts'
import { ROUTE } from './modes.ts'

test('comparisons are read as the service counts them, of this route only, and differences are of the time between', async () => {
  const { registry, strangler } = wireApiMetrics()
  const metrics = strangler(['another', ROUTE])
  const look = async () => comparedIn(await registry.metrics())
  metrics.compared(ROUTE, 'equal')
  const before = await look()
  metrics.compared(ROUTE, 'equal')
  metrics.compared(ROUTE, 'dropped')
  metrics.compared(ROUTE, 'mismatch')
  metrics.compared('another', 'equal')
  const between = since(before, await look())
  assert.deepEqual(between, { equal: 1, mismatch: 1, noise: 0, race: 0, failed: 0, dropped: 1 })
  assert.equal(samplesIn(between), 2)
})

test('a service that does not count is no service that compares nothing', () => {
  assert.throws(() => comparedIn('process_cpu_seconds_total 3\n'), /are not counted/)
})
