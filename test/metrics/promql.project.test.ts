import assert from 'node:assert/strict'
import { test } from 'node:test'
import { registeredMetrics } from '../../scripts/metrics/registered.ts'
import { promqlFaults, readPromql } from './promql.ts'

const registered = await registeredMetrics()

test('what an expression names is found, wherever it stands', () => {
  const expression =
    'max by (route) (max_over_time(a_total{mode=~"x|y", z="}"}[15m])) > 3 and on (job, instance) histogram_quantile(0.9, sum by (le) (rate(b_bucket[5m]))) or absent(c) unless d offset 5m'
  const { selectors, grouped } = readPromql(expression)
  assert.deepEqual(
    selectors.map(({ name }) => name).filter((name) => !/^\d/.test(name)),
    ['a_total', 'b_bucket', 'c', 'd'],
  )
  assert.deepEqual(selectors[0]?.matchers, [
    { label: 'mode', operator: '=~', value: 'x|y' },
    { label: 'z', operator: '=', value: '}' },
  ])
  assert.deepEqual(grouped, ['route', 'job', 'instance', 'le'])
})

test('what names nothing that is there is a fault', () => {
  const wrong: Record<string, string> = {
    'sum(users_nothing_total)': 'no metric users_nothing_total',
    'users_ready{what="x"}': 'users_ready has no label what',
    'users_shedding{what=~"all|most"}': 'users_shedding: what is never most',
    'sum by (queue) (users_ready)': 'no metric here has label queue',
    users_http_request_duration_seconds: 'no metric users_http_request_duration_seconds',
    'sum by (le) (users_http_request_duration_seconds_count)': 'no metric here has label le',
    'vector(1)': 'no metric',
  }
  for (const [expression, fault] of Object.entries(wrong))
    assert.deepEqual(promqlFaults(expression, registered), [fault], expression)
  assert.deepEqual(
    promqlFaults('sum by (le, route) (users_http_request_duration_seconds_bucket{job="$job"})', registered),
    [],
  )
})
