import assert from 'node:assert/strict'
import { test } from 'node:test'
import { register } from '@prometheus-io/client'
import { readExposition, seriesValue } from '../../../test/support/exposition.ts'
import {
  counter,
  gauge,
  histogram,
  measuredCounter,
  measuredCounters,
  measuredGauge,
  measuredGauges,
  metricRegistry,
  sentMetrics,
  withOthers,
} from './families.ts'

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

test('families are asked for all their series; gauges that are not told are not known', async () => {
  const registry = metricRegistry()
  const colours = ['red', 'blue'] as const
  let red: number | null = 3
  measuredGauges(registry, { name: 'a', help, labels: { colour: colours } }, async (set) => {
    if (red !== null) set({ colour: 'red' }, red)
  })
  measuredCounters(registry, { name: 'b_total', help, series: colours.map((colour) => ({ colour })) }, (add) => {
    add({ colour: 'blue' }, 2)
    add({ colour: 'blue' }, 3)
  })
  const both = async (name: string) => {
    const text = await registry.metrics()
    return colours.map((colour) => seriesValue(text, name, { colour }))
  }
  assert.deepEqual(
    [await both('a'), await both('b_total')],
    [
      [3, Number.NaN],
      [0, 5],
    ],
  )
  // Nothing is left of what was told before.
  red = null
  assert.deepEqual(
    [await both('a'), await both('b_total')],
    [
      [Number.NaN, Number.NaN],
      [0, 5],
    ],
  )
})

test('what several threads count is one, and what one says for all is said once', async () => {
  const threads = [1, 2].map((number) => {
    const registry = metricRegistry()
    counter(registry, { name: 'a_total', help, labels: {} })({})
    histogram(registry, { name: 'b', help, labels: {}, buckets: [1] })({}, number)
    measuredGauge(registry, { name: 'c', help, together: 'max' }, () => number)
    gauge(registry, { name: `only_${number}`, help, labels: {} })({}, number)
    return registry
  })
  const [one, other] = threads
  assert.ok(one && other)
  const sent = async () => structuredClone(await sentMetrics(other))
  const text = await withOthers(one, sent).metrics()
  assert.deepEqual(
    ['a_total', 'b_sum', 'b_count', 'c', 'only_1', 'only_2'].map((name) => seriesValue(text, name)),
    [2, 3, 2, 2, 1, 2],
  )
  assert.deepEqual([seriesValue(text, 'b_bucket', { le: '1' }), seriesValue(text, 'b_bucket', { le: '+Inf' })], [1, 2])
  assert.equal(await withOthers(one, async () => []).metrics(), await one.metrics())
})

test('one registry knows nothing of another, nor of the client’s own', async () => {
  for (const registry of [metricRegistry(), metricRegistry()]) {
    counter(registry, { name: 'a_total', help, labels: {} })
    measuredGauge(registry, { name: 'b', help }, () => 1)
    assert.equal(readExposition(await registry.metrics()).length, 2)
  }
  assert.equal(register.getMetricsAsArray().length, 0)
})
