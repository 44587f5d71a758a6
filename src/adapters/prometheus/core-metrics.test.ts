import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readExposition, seriesValue } from '../../../test/support/exposition.ts'
import { conventionFaults } from '../../../test/support/metric-conventions.ts'
import { READ_MODEL_WRITES } from '../../ports/metrics.ts'
import { buildMetrics } from './build-metrics.ts'
import { commandMetrics, issuerMetrics, tokenMetrics } from './command-metrics.ts'
import { coreMetrics, REDIS_TIMED_ONE_IN } from './core-metrics.ts'
import { metricRegistry } from './families.ts'
import { healthMetrics } from './health-metrics.ts'
import { poolMetrics } from './pool-metrics.ts'
import { feedMetrics, lagMetrics } from './projection-metrics.ts'
import { relayMetrics } from './relay-metrics.ts'

function registered<Made>(make: (registry: ReturnType<typeof metricRegistry>) => Made) {
  const registry = metricRegistry()
  const made = make(registry)
  const value = async (name: string, labels = {}) => seriesValue(await registry.metrics(), `users_${name}`, labels)
  const faults = async () => readExposition(await registry.metrics()).flatMap(conventionFaults)
  return { made, value, faults }
}

test('calls of the database are timed, and those that fail are counted as that too', async () => {
  const { made, value, faults } = registered(coreMetrics)
  assert.deepEqual(await faults(), [])
  const { database } = made
  database.ended('query', false, 4)
  database.ended('query', true, 6)
  database.waited('write', 20)
  database.processStarted('read')
  assert.equal(await value('database_call_duration_seconds_count', { call: 'query' }), 2)
  assert.equal(await value('database_call_duration_seconds_sum', { call: 'query' }), 0.01)
  assert.equal(await value('database_failures_total', { call: 'query' }), 1)
  assert.equal(await value('database_connection_wait_duration_seconds_sum', { pool: 'write' }), 0.02)
  assert.equal(await value('database_driver_processes_started_total', { pool: 'read' }), 1)
})

test('of reads of Redis one in so many is timed, and each failure counts', async () => {
  const { redis } = registered(coreMetrics).made
  const { made, value } = registered(coreMetrics)
  assert.ok(redis.begun() > 0)
  for (let i = 0; i < 3 * REDIS_TIMED_ONE_IN; i += 1) made.redis.ended('read', i % 2 === 0, made.redis.begun())
  made.redis.connected()
  assert.equal(await value('redis_failures_total', { call: 'script' }), 0)
  assert.equal(await value('redis_call_duration_seconds_count', { call: 'read' }), 3)
  assert.equal(await value('redis_failures_total', { call: 'read' }), 1.5 * REDIS_TIMED_ONE_IN)
  assert.equal(await value('redis_connections_total'), 1)
})

test('each kind of write to the read models has its own outcomes', async () => {
  const { made, value } = registered(coreMetrics)
  made.readModels.wrote('fill', 'refused')
  made.readModels.wrote('lease', 'granted')
  made.readModels.wrote('lease', 'granted')
  for (const [write, outcomes] of Object.entries(READ_MODEL_WRITES)) {
    for (const outcome of outcomes) {
      const expected =
        write === 'lease' && outcome === 'granted' ? 2 : write === 'fill' && outcome === 'refused' ? 1 : 0
      assert.equal(await value('read_model_writes_total', { write, outcome }), expected, `${write} ${outcome}`)
    }
  }
})

test('commands, writes, repeats and tokens', async () => {
  const { made, value, faults } = registered((registry) => ({
    ...commandMetrics(registry, ['busy', 'user-terminated']),
    ...tokenMetrics(registry),
  }))
  assert.deepEqual(await faults(), [])
  made.ended('done')
  made.ended('busy')
  made.ended('something that nobody has listed')
  made.written(false, true)
  made.written(false, false)
  made.written(true, true)
  made.looked('unverifiable')
  for (const outcome of ['done', 'busy', 'failed']) assert.equal(await value('commands_total', { outcome }), 1, outcome)
  assert.equal(await value('command_writes_total', { visible: 'yes' }), 1)
  assert.equal(await value('command_writes_total', { visible: 'no' }), 1)
  assert.equal(await value('idempotency_replays_total'), 1)
  assert.equal(await value('tokens_total', { outcome: 'unverifiable' }), 1)
})

test('the issuer’s keys: how old, and whether there are any', async () => {
  let state: { ready: boolean; keysAgeMs: number | null; failing: boolean } = {
    ready: false,
    keysAgeMs: null,
    failing: true,
  }
  const { value } = registered((registry) => issuerMetrics(registry, () => state))
  assert.equal(await value('issuer_keys_ready'), 0)
  assert.ok(Number.isNaN(await value('issuer_keys_age_seconds')))
  state = { ready: true, keysAgeMs: 1_500, failing: false }
  assert.deepEqual([await value('issuer_keys_ready'), await value('issuer_keys_age_seconds')], [1, 1.5])
})

test('a feed: what was handled, how late, and what went wrong', async () => {
  const { made, value, faults } = registered(feedMetrics)
  assert.deepEqual(await faults(), [])
  made.handled([1_000, 3_000])
  made.handled([Number.NaN])
  made.parked(2)
  made.claimsLost(1)
  made.waited()
  made.waiting(7)
  assert.deepEqual([await value('changes_handled_total'), await value('change_batches_total')], [3, 2])
  assert.deepEqual([await value('change_staleness_seconds_sum'), await value('change_staleness_seconds_count')], [4, 2])
  assert.equal(await value('change_events_total', { event: 'parked' }), 2)
  assert.equal(await value('change_events_total', { event: 'claims-lost' }), 1)
  assert.deepEqual([await value('change_outages_total'), await value('changes_waiting')], [1, 7])
})

test('a lag that nobody knows grows from the process’s beginning', async () => {
  let ageMs = Number.POSITIVE_INFINITY
  const { value } = registered((registry) => lagMetrics(registry, () => ageMs))
  const first = await value('projection_lag_seconds')
  assert.ok(first >= 0 && first < 10 && (await value('projection_lag_seconds')) > first)
  ageMs = 2_500
  assert.equal(await value('projection_lag_seconds'), 2.5)
})

test('a relay: whether it leads, and what it has published', async () => {
  const { made, value } = registered(relayMetrics)
  made.leads('events', true)
  made.published('events', 3)
  assert.deepEqual(
    [await value('relay_leading', { duty: 'events' }), await value('relay_leading', { duty: 'changes' })],
    [1, 0],
  )
  made.leads('events', false)
  assert.equal(await value('relay_leading', { duty: 'events' }), 0)
  assert.equal(await value('relay_published_total', { duty: 'events' }), 3)
})

test('pools: what is used is what is open and not idle', async () => {
  const pool = { open: 3, idle: 1, waiting: 2, size: 4 }
  const none = { open: 0, idle: 0, waiting: 0, size: 1 }
  const { value, faults } = registered((registry) =>
    poolMetrics(registry, () => ({ read: pool, write: none, scan: none })),
  )
  assert.deepEqual(await faults(), [])
  const read = { pool: 'read' }
  assert.equal(await value('database_connections', { ...read, state: 'used' }), 2)
  assert.equal(await value('database_connections', { ...read, state: 'idle' }), 1)
  assert.deepEqual([await value('database_connections_max', read), await value('database_waiting', read)], [4, 2])
})

test('readiness is what the checks say, and none when they cannot be asked', async () => {
  let checks: Record<string, { state: 'ok' | 'degraded' | 'failing' }> | null = {
    redis: { state: 'degraded' },
    database: { state: 'ok' },
  }
  const { value } = registered((registry) =>
    healthMetrics(registry, ['redis', 'database', 'issuer'], async () => checks),
  )
  assert.equal(await value('ready'), 1)
  assert.equal(await value('health_check_state', { check: 'redis', state: 'degraded' }), 1)
  assert.equal(await value('health_check_state', { check: 'redis', state: 'ok' }), 0)
  assert.equal(await value('health_check_state', { check: 'issuer', state: 'ok' }), 0)
  checks = { redis: { state: 'failing' } }
  assert.equal(await value('ready'), 0)
  checks = null
  assert.equal(await value('ready'), 0)
})

test('what runs is told in labels', async () => {
  const build = { version: '1', schema: '3', epoch: 'e', node: '26' }
  const { value, faults } = registered((registry) => buildMetrics(registry, build))
  assert.deepEqual([await value('build_info', build), await faults()], [1, []])
})
