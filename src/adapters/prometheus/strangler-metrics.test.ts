import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExposition, seriesValue } from '../../../test/support/exposition.ts'
import { conventionFaults } from '../../../test/support/metric-conventions.ts'
import { COMPARISONS } from '../../ports/strangler.ts'
import { metricRegistry } from './families.ts'
import { stranglerMetrics } from './strangler-metrics.ts'

const ANSWERS = 'users_strangler_answer_duration_seconds'
const FAILURES = 'users_strangler_failures_total'
const COMPARED = 'users_strangler_comparisons_total'
const PARACHUTES = 'users_strangler_parachutes_total'
const MODE = 'users_strangler_mode'
const SHARE = 'users_strangler_native_ratio'
const ROUTES = ['get-user', 'change-user']

function observed() {
  const registry = metricRegistry()
  return { ...stranglerMetrics(registry, ROUTES), text: () => registry.metrics() }
}

test('names, types and labels are those that dashboards and alerts know, and keep the conventions', async () => {
  const families = readExposition(await observed().text())
  const labelsOf = (samples: { labels: object }[]) => [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))]
  assert.deepEqual(
    families.map(({ name, type, samples }) => [name, type, labelsOf(samples).sort()]),
    [
      [ANSWERS, 'histogram', ['answered_by', 'le', 'route']],
      [FAILURES, 'counter', ['answered_by', 'route']],
      [COMPARED, 'counter', ['outcome', 'route']],
      [PARACHUTES, 'counter', ['route']],
      [MODE, 'gauge', ['mode', 'route']],
      [SHARE, 'gauge', ['route']],
    ],
  )
  assert.deepEqual(families.flatMap(conventionFaults), [])
})

test('every series is there from the start, at 0, and no other ever comes', async () => {
  const { answered, compared, inMode, parachuteOpened, text } = observed()
  const seriesOf = (exposition: string) =>
    readExposition(exposition).flatMap(({ samples }) => samples.map(({ name, labels }) => ({ name, labels })))
  const atFirst = await text()
  for (const { samples } of readExposition(atFirst)) for (const { value } of samples) assert.equal(value, 0)
  for (const route of ROUTES) {
    for (const by of ['legacy', 'native'] as const) answered(route, by, true, 1)
    for (const outcome of COMPARISONS) compared(route, outcome)
    parachuteOpened(route)
    for (const mode of ['legacy', 'shadow', 'canary', 'native'] as const) inMode(route, mode, 5)
  }
  assert.deepEqual(seriesOf(await text()), seriesOf(atFirst))
})

test('an answer counts by its route, who gave it and how long it took; one that failed counts as that, too', async () => {
  const { answered, text } = observed()
  answered('get-user', 'native', false, 2)
  answered('get-user', 'native', true, 700)
  answered('get-user', 'legacy', false, 3)
  const now = await text()
  const native = { route: 'get-user', answered_by: 'native' }
  assert.deepEqual([seriesValue(now, `${ANSWERS}_count`, native), seriesValue(now, FAILURES, native)], [2, 1])
  assert.ok(Math.abs(seriesValue(now, `${ANSWERS}_sum`, native) - 0.702) < 1e-9)
  assert.equal(seriesValue(now, FAILURES, { ...native, answered_by: 'legacy' }), 0)
})

test('a route is in one mode, and its share is that of the clients that are answered here', async () => {
  const { inMode, text } = observed()
  const seen = async () => {
    const now = await text()
    const modes = ['legacy', 'shadow', 'canary', 'native'].map((mode) =>
      seriesValue(now, MODE, { route: 'get-user', mode }),
    )
    return [...modes, seriesValue(now, SHARE, { route: 'get-user' })]
  }
  inMode('get-user', 'canary', 5)
  assert.deepEqual(await seen(), [0, 0, 1, 0, 0.05])
  inMode('get-user', 'native', null)
  assert.deepEqual(await seen(), [0, 0, 0, 1, 1])
  inMode('get-user', 'shadow', null)
  assert.deepEqual(await seen(), [0, 1, 0, 0, 0])
})
