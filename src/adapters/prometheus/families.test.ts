import assert from 'node:assert/strict'
import { test } from 'node:test'
import { register } from '@prometheus-io/client'
import { readExposition, seriesValue } from '../../../test/support/exposition.ts'
import { counter, gauge, histogram, measuredCounter, measuredGauge, metricRegistry } from './families.ts'

const help = 'What it is.'

test('there is a series for each combination of labels, before anything has happened', async () => {
  const registry = metricRegistry()
  const labels = { colour: ['red', 'blue'], size: ['s', 'm', 'l'] } as const
  counter(registry, { name: 'a_total', help, labels })
  gauge(registry, { name: 'b', help, labels })
  histogram(registry, { name: 'c', help, labels, buckets: [1] })
  counter(registry, { name: 'd_total', help, labels: {} })
  const [a, b, c, d] = readExposition(await registry.metrics())
  const combinations = ['red s', 'red m', 'red l', 'blue s', 'blue m', 'blue l']
  for (const { samples = [] } of [a ?? {}, b ?? {}]) {
    assert.deepEqual(
      samples.map((sample) => `${sample.labels.colour} ${sample.labels.size}`),
      combinations,
    )
  }
  // Two buckets, the sum and the number.
  assert.equal(c?.samples.length, 4 * combinations.length)
  assert.deepEqual(d?.samples, [{ name: 'd_total', labels: {}, value: 0 }])
})

test('what is counted, set or observed is the series’ own', async () => {
  const registry = metricRegistry()
  const labels = { colour: ['red', 'blue'] } as const
  const count = counter(registry, { name: 'a_total', help, labels })
  const set = gauge(registry, { name: 'b', help, labels })
  const observe = histogram(registry, { name: 'c', help, labels, buckets: [1, 2] })
  count({ colour: 'red' })
  count({ colour: 'red' })
  set({ colour: 'blue' }, 5)
  set({ colour: 'blue' }, 4)
  for (const value of [1, 2, 3]) observe({ colour: 'blue' }, value)
  // @ts-expect-error: no such colour
  assert.ok(() => count({ colour: 'green' }))
  const text = await registry.metrics()
  const both = (name: string) => labels.colour.map((colour) => seriesValue(text, name, { colour }))
  assert.deepEqual(
    [both('a_total'), both('b'), both('c_sum'), both('c_count')],
    [
      [2, 0],
      [0, 4],
      [0, 6],
      [0, 3],
    ],
  )
  assert.equal(seriesValue(text, 'c_bucket', { colour: 'blue', le: '2' }), 2)
})

test('what is measured is what it is at the scrape', async () => {
  const registry = metricRegistry()
  let now = 7
  measuredCounter(registry, { name: 'a_total', help }, () => now)
  measuredGauge(registry, { name: 'b', help }, () => now)
  for (now of [7, 7, 9]) {
    const text = await registry.metrics()
    assert.deepEqual([seriesValue(text, 'a_total'), seriesValue(text, 'b')], [now, now])
  }
})

test('one registry knows nothing of another, nor of the client’s own', async () => {
  for (const registry of [metricRegistry(), metricRegistry()]) {
    counter(registry, { name: 'a_total', help, labels: {} })
    measuredGauge(registry, { name: 'b', help }, () => 1)
    assert.equal(readExposition(await registry.metrics()).length, 2)
  }
  assert.equal(register.getMetricsAsArray().length, 0)
})
