import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExposition } from '../../../test/support/exposition.ts'
import { conventionFaults } from '../../../test/support/metric-conventions.ts'
import { REFUSALS, SHEDDING } from '../../ports/refusals.ts'
import { metricRegistry } from './families.ts'
import { refusalMetrics } from './refusal-metrics.ts'

test('refusals are counted by why, and what is shed is shown as one state of all', async () => {
  const registry = metricRegistry()
  const { refused, shedding } = refusalMetrics(registry)
  const read = async () => {
    const families = readExposition(await registry.metrics())
    assert.deepEqual(families.flatMap(conventionFaults), [])
    return new Map(
      families.flatMap(({ samples }) => samples.map(({ labels, value }) => [Object.values(labels)[0], value])),
    )
  }
  const first = await read()
  assert.equal(first.size, REFUSALS.length + SHEDDING.length)
  for (const reason of REFUSALS) assert.equal(first.get(reason), 0)
  assert.deepEqual(
    SHEDDING.map((what) => first.get(what)),
    [1, 0, 0],
  )
  refused('rate-write')
  refused('rate-write')
  refused('overload')
  shedding('all')
  const then = await read()
  assert.deepEqual([then.get('rate-write'), then.get('overload'), then.get('rate-read')], [2, 1, 0])
  assert.deepEqual(
    SHEDDING.map((what) => then.get(what)),
    [0, 0, 1],
  )
})
