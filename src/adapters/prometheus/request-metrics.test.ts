import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExposition, seriesValue } from '../../../test/support/exposition.ts'
import { conventionFaults } from '../../../test/support/metric-conventions.ts'
import { metricRegistry } from './families.ts'
import { requestMetrics, TIMED_ONE_IN } from './request-metrics.ts'

const HOT = { method: 'GET', route: '/users/:id' }
const PATCH = { method: 'PATCH', route: '/users/:id' }
const REQUESTS = 'users_http_requests_total'
const COUNT = 'users_http_request_duration_seconds_count'

function served() {
  const registry = metricRegistry()
  const metrics = requestMetrics(registry, HOT)
  return { ...metrics, ...metrics.serving([HOT, PATCH]), text: () => registry.metrics(), serving: metrics.serving }
}

test('every route has all its series from the start, at 0, and no other ever comes', async () => {
  const { text, began, ended } = served()
  const first = readExposition(await text())
  assert.deepEqual(first.flatMap(conventionFaults), [])
  const series = first.find(({ name }) => name === REQUESTS)?.samples ?? []
  // Two routes, and what is none; each with five ways to end.
  assert.equal(series.length, 15)
  for (const { value } of series) assert.equal(value, 0)
  began()
  ended({ method: 'GET', route: '/etc/passwd' }, '4xx', 1)
  const then = await text()
  assert.equal(readExposition(then).find(({ name }) => name === REQUESTS)?.samples.length, 15)
  assert.equal(seriesValue(then, REQUESTS, { method: 'other', route: 'other', status: '4xx' }), 1)
})

test('what the router answers is counted and timed; what is in flight is what has not ended', async () => {
  const { text, began, ended } = served()
  began()
  began()
  ended(PATCH, '2xx', 250)
  const now = await text()
  assert.equal(seriesValue(now, 'users_http_requests_in_flight'), 1)
  assert.equal(seriesValue(now, REQUESTS, { ...PATCH, status: '2xx' }), 1)
  assert.deepEqual([seriesValue(now, COUNT, PATCH), seriesValue(now, COUNT, HOT)], [1, 0])
  assert.equal(seriesValue(now, 'users_http_request_duration_seconds_sum', PATCH), 0.25)
})

test('what is answered before the router counts with its route, by source, and one in so many is timed', async () => {
  const { text, hot, read } = served()
  for (let i = 0; i < 2 * TIMED_ONE_IN; i += 1) hot.answered('near', i % 2 === 0, hot.begun())
  read('database')
  const now = await text()
  assert.equal(seriesValue(now, REQUESTS, { ...HOT, status: '2xx' }), TIMED_ONE_IN)
  assert.equal(seriesValue(now, REQUESTS, { ...HOT, status: '3xx' }), TIMED_ONE_IN)
  assert.equal(seriesValue(now, 'users_reads_total', { source: 'near' }), 2 * TIMED_ONE_IN)
  assert.equal(seriesValue(now, 'users_reads_total', { source: 'database' }), 1)
  assert.equal(seriesValue(now, 'users_hot_read_duration_seconds_count', { source: 'near' }), 2)
})

test('a second application in one process counts with the first', async () => {
  const { text, began, ended, serving } = served()
  const other = serving([HOT, PATCH])
  for (const each of [{ began, ended }, other]) {
    each.began()
    each.ended(PATCH, '5xx', 1)
  }
  assert.equal(seriesValue(await text(), REQUESTS, { ...PATCH, status: '5xx' }), 2)
})
