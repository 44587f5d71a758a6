import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExposition, seriesValue } from '../../../test/support/exposition.ts'
import { conventionFaults } from '../../../test/support/metric-conventions.ts'
import { NEIGHBOURS } from '../../domain/neighbours.ts'
import { metricRegistry } from './families.ts'
import { neighbourMetrics } from './neighbour-metrics.ts'

const CALLS = 'users_neighbour_call_duration_seconds'
const REQUESTS = 'users_neighbour_requests_total'
const BREAKERS = 'users_neighbour_breaker_state'

function observed() {
  const registry = metricRegistry()
  return { ...neighbourMetrics(registry), text: () => registry.metrics() }
}

test('names, types and labels are those that dashboards and alerts know, and keep the conventions', async () => {
  const families = readExposition(await observed().text())
  const labelsOf = (samples: { labels: object }[]) => [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))]
  assert.deepEqual(
    families.map(({ name, type, samples }) => [name, type, labelsOf(samples).sort()]),
    [
      [CALLS, 'histogram', ['le', 'neighbour', 'outcome']],
      [REQUESTS, 'counter', ['neighbour']],
      [BREAKERS, 'gauge', ['neighbour', 'state']],
    ],
  )
  assert.deepEqual(families.flatMap(conventionFaults), [])
})

test('every series is there from the start, at 0, and no other ever comes', async () => {
  const { ended, attempted, changed, text } = observed()
  const seriesOf = (exposition: string) =>
    readExposition(exposition).flatMap(({ samples }) => samples.map(({ name, labels }) => ({ name, labels })))
  const atFirst = await text()
  for (const { samples } of readExposition(atFirst)) for (const { value } of samples) assert.equal(value, 0)
  const outcomes = new Set(seriesOf(atFirst).flatMap(({ labels }) => labels.outcome ?? []))
  assert.deepEqual([...outcomes].sort(), [
    ...['answered', 'cancelled', 'circuit-open', 'not-configured', 'overloaded', 'refused', 'timeout'],
    ...['unavailable', 'unreachable', 'wrong-answer'],
  ])
  for (const neighbour of NEIGHBOURS) {
    for (const outcome of outcomes) ended(neighbour, outcome as Parameters<typeof ended>[1], 1)
    attempted(neighbour)
    for (const state of ['open', 'half-open', 'closed'] as const) changed(neighbour, state)
  }
  assert.deepEqual(seriesOf(await text()), seriesOf(atFirst))
})

test('a call counts by its neighbour, how it ended, and how long it took', async () => {
  const { ended, text } = observed()
  for (const ms of [0.4, 1, 3, 199.9, 2_500]) ended('branches-service', 'answered', ms)
  ended('people-service', 'timeout', 401)
  const now = await text()
  const branches = { neighbour: 'branches-service', outcome: 'answered' }
  assert.equal(seriesValue(now, `${CALLS}_count`, branches), 5)
  assert.ok(Math.abs(seriesValue(now, `${CALLS}_sum`, branches) - 2.7043) < 1e-9)
  const upTo = (le: string, of = branches) => seriesValue(now, `${CALLS}_bucket`, { ...of, le })
  assert.deepEqual(
    ['0.001', '0.002', '0.005', '0.1', '0.2', '2', '+Inf'].map((le) => upTo(le)),
    [2, 2, 3, 3, 4, 4, 5],
  )
  const late = { neighbour: 'people-service', outcome: 'timeout' }
  assert.deepEqual([upTo('0.2', late), upTo('0.5', late)], [0, 1])
  assert.equal(seriesValue(now, `${CALLS}_count`, { ...branches, outcome: 'timeout' }), 0)
})

test('requests count by neighbour', async () => {
  const { attempted, text } = observed()
  attempted('people-service')
  attempted('people-service')
  assert.equal(seriesValue(await text(), REQUESTS, { neighbour: 'people-service' }), 2)
  assert.equal(seriesValue(await text(), REQUESTS, { neighbour: 'branches-service' }), 0)
})

test('a breaker is in one state', async () => {
  const { changed, text } = observed()
  for (const state of ['closed', 'open', 'half-open', 'open', 'closed'] as const) {
    changed('branches-service', state)
    const now = await text()
    for (const one of ['closed', 'half-open', 'open']) {
      assert.equal(seriesValue(now, BREAKERS, { neighbour: 'branches-service', state: one }), one === state ? 1 : 0)
      assert.equal(seriesValue(now, BREAKERS, { neighbour: 'people-service', state: one }), 0)
    }
  }
})
