import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExposition, seriesValue } from '../../../test/support/exposition.ts'
import { conventionFaults } from '../../../test/support/metric-conventions.ts'
import { metricRegistry } from './families.ts'
import { asksOnce, type SharedFigures, sharedMetrics } from './shared-metrics.ts'

const NAMES = { causes: ['missing', 'behind'], chainFaults: ['missing', 'no-head'], queues: ['audit'] }
const FIGURES: { [Name in keyof SharedFigures]: NonNullable<Awaited<ReturnType<SharedFigures[Name]>>> } = {
  consistency: {
    ...{ nines: 3, atLeast: 0.999, checked: 3_000, differing: 0, ahead: 0, sinceSampleMs: 1_500, sinceWalkMs: null },
    ...{ found: { behind: 2 }, mended: { behind: 1 } },
  },
  outbox: { changes: 4, oldestMs: 250, parked: 1, events: 2 },
  leases: { changes: true },
  chains: { chains: 7, broken: { 'no-head': 2 }, sincePassMs: 2_500 },
  jobs: { audit: { waiting: 1, active: 2, delayed: 3, failed: 4 } },
  memory: { usedBytes: 10, maxBytes: 0 },
}
const nobody: SharedFigures = {
  ...{ consistency: async () => null, outbox: async () => null, leases: async () => null },
  ...{ chains: async () => null, jobs: async () => null, memory: async () => null },
}
const everybody = (figures = FIGURES): SharedFigures =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, async () => value])) as never

async function told(figures: SharedFigures): Promise<string> {
  const registry = metricRegistry()
  sharedMetrics(registry, NAMES, figures)
  return registry.metrics()
}

test('what is everybody’s is told in base units', async () => {
  const text = await told(everybody())
  const value = (name: string, labels = {}) => seriesValue(text, `users_${name}`, labels)
  assert.deepEqual(readExposition(text).flatMap(conventionFaults), [])
  assert.deepEqual([value('consistency_nines'), value('consistency_at_least_ratio')], [3, 0.999])
  assert.deepEqual([value('consistency_sample_age_seconds'), value('outbox_oldest_age_seconds')], [1.5, 0.25])
  assert.ok(Number.isNaN(value('consistency_walk_age_seconds')))
  const behind = { cause: 'behind' }
  assert.deepEqual([value('consistency_differences', behind), value('consistency_repairs', behind)], [2, 1])
  assert.equal(value('consistency_differences', { cause: 'missing' }), 0)
  assert.deepEqual([value('outbox_changes'), value('outbox_events'), value('parked_changes')], [4, 2, 1])
  assert.deepEqual([value('audit_chain_verified'), value('audit_chain_pass_age_seconds')], [7, 2.5])
  const broken = (fault: string) => value('audit_chain_broken_places', { fault })
  assert.deepEqual([broken('no-head'), broken('missing')], [2, 0])
  assert.equal(value('jobs', { queue: 'audit', state: 'failed' }), 4)
  assert.equal(value('relay_lease_held', { duty: 'changes' }), 1)
  // Nobody is to publish these.
  assert.ok(Number.isNaN(value('relay_lease_held', { duty: 'events' })))
  assert.deepEqual([value('redis_memory_used_bytes'), value('redis_memory_max_bytes')], [10, 0])
})

test('what cannot be had is not known, and all series are there all the same', async () => {
  const [known, unknown] = [await told(everybody()), await told(nobody)]
  const seriesOf = (text: string) => readExposition(text).flatMap(({ samples }) => samples.map(({ name }) => name))
  assert.deepEqual(seriesOf(unknown), seriesOf(known))
  for (const { samples } of readExposition(unknown))
    for (const { name, value } of samples) assert.ok(Number.isNaN(value), name)
})

test('where nobody was drawn there is no share', async () => {
  const text = await told(everybody({ ...FIGURES, consistency: { ...FIGURES.consistency, checked: 0, nines: 0 } }))
  assert.ok(Number.isNaN(seriesValue(text, 'users_consistency_nines')))
  assert.equal(seriesValue(text, 'users_consistency_sample_checked'), 0)
})

test('who asks at the same time is one question; one that fails, or takes too long, has no answer', async (t) => {
  let asked = 0
  const ask = asksOnce(async () => {
    asked += 1
    return asked
  }, 1_000)
  assert.deepEqual(await Promise.all([ask(), ask()]), [1, 1])
  assert.equal(await ask(), 2)
  assert.equal(await asksOnce(() => Promise.reject(new Error('ill')), 1_000)(), null)
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const unanswered = asksOnce(() => new Promise<number>(() => undefined), 1_000)()
  t.mock.timers.tick(1_000)
  assert.equal(await unanswered, null)
})
