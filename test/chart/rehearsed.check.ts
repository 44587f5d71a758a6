import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsIn } from '../rehearsal/pods.ts'
import { settingsOfChart } from '../rehearsal/settings.ts'
import { componentOf, isWorkload, type KubernetesObject, podOf } from './objects.ts'
import { rendered, valueSet } from './support.ts'

const MS_A_SECOND = 1_000

test('what the rehearsal takes from the chart is what its pods say', () => {
  const { api, projector, redis } = settingsOfChart()
  const { SHUTDOWN_DRAIN_MS: drainMs, SHUTDOWN_GRACE_MS: graceMs } = api.environment
  assert.ok(api.preStopMs > 0 && Number(drainMs) > 0)
  assert.ok(api.terminationMs >= api.preStopMs + Number(drainMs) + Number(graceMs) + MS_A_SECOND)
  assert.deepEqual([api.readiness?.path, projector.readiness], ['/health/ready', null])
  assert.deepEqual([redis.settings['--appendonly'], redis.settings['--maxmemory-policy']], ['yes', 'noeviction'])
})

/** The chart with this done to the API's pod. */
function planted(change: (container: ReturnType<typeof podOf>['containers'][number]) => void): KubernetesObject[] {
  const objects = structuredClone(rendered(valueSet('minimal')).objects)
  const api = objects.filter(isWorkload).find((one) => one.kind === 'Deployment' && componentOf(one) === 'api')
  const [container] = api ? podOf(api).containers : []
  assert.ok(container)
  change(container)
  return objects
}

test('planted: what a rehearsal could not carry out is not passed over', () => {
  const asksOtherwise = planted((container) => {
    container.readinessProbe = { tcpSocket: { port: 'http' } }
  })
  assert.throws(() => settingsIn(asksOtherwise), /does not ask over HTTP/)
  const waitsOtherwise = planted((container) => {
    container.lifecycle = { preStop: {} }
  })
  assert.throws(() => settingsIn(waitsOtherwise), /preStop does something else/)
})
