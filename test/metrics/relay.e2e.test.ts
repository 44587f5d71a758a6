import assert from 'node:assert/strict'
import { test } from 'node:test'
import { metricRegistry } from '../../src/wiring-metrics.ts'
import { startWorkers, type WorkerRole } from '../../src/wiring-workers.ts'
import { kafkaEnvironment } from '../support/feeds.ts'
import { kafkaMissing, startTestKafka } from '../support/kafka.ts'
import { quiet, startService, until } from '../support/service.ts'
import { scraping, sumOf } from './scrapes.ts'

const LIMIT_MS = 30_000

test('a relay says that it leads and what it publishes; workers for jobs, whether anybody does', {
  skip: kafkaMissing() ?? false,
}, async (t) => {
  const { brokers, stop } = await startTestKafka()
  t.after(stop)
  const environment = { ...kafkaEnvironment(brokers), EVENTS: 'on' }
  const service = await startService({ worker: false, environment })
  t.after(service.close)
  const working = async (roles: WorkerRole[]) => {
    const registry = metricRegistry()
    const worker = await startWorkers(service.config, quiet, roles, { registry })
    t.after(worker.stop)
    return { worker, scrape: await scraping(t, registry) }
  }
  const relay = await working(['relay'])
  const others = await working(['project', 'jobs'])
  const duties = ['changes', 'events'].map((duty) => ({ duty }))
  for (const duty of duties) {
    await until('it leads', async () => sumOf(await relay.scrape(), 'users_relay_leading', duty) === 1, LIMIT_MS)
    await until('it is seen', async () => sumOf(await others.scrape(), 'users_relay_lease_held', duty) === 1, LIMIT_MS)
  }
  const body = { username: 'ann', givenName: 'Ann', familyName: 'Lee', email: 'ann@example.com' }
  assert.equal((await service.app.inject({ method: 'POST', url: '/v1/users', payload: body })).statusCode, 201)
  for (const duty of duties) {
    const published = async () => sumOf(await relay.scrape(), 'users_relay_published_total', duty) > 0
    await until(`${duty.duty} are published`, published, LIMIT_MS)
  }
  await until(
    'the change is handled',
    async () => sumOf(await others.scrape(), 'users_changes_handled_total') > 0,
    LIMIT_MS,
  )
  assert.ok(sumOf(await relay.scrape(), 'users_database_call_duration_seconds_count') > 0)
  assert.equal(sumOf(await relay.scrape(), 'users_build_info'), 1)
  await relay.worker.stop()
  for (const duty of duties) {
    assert.equal(sumOf(await relay.scrape(), 'users_relay_leading', duty), 0)
    await until(
      'nobody leads',
      async () => sumOf(await others.scrape(), 'users_relay_lease_held', duty) === 0,
      LIMIT_MS,
    )
  }
})
