import assert from 'node:assert/strict'
import { request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { after, before, test } from 'node:test'
import { metricRegistry } from '../../src/wiring-metrics.ts'
import { startWorkers } from '../../src/wiring-workers.ts'
import { lastFirst } from '../contract/rig.ts'
import { readExposition } from '../support/exposition.ts'
import { conventionFaults } from '../support/metric-conventions.ts'
import { quiet, startService, type TestService, until } from '../support/service.ts'
import { promtool, withoutPromtool } from './promtool.ts'
import { risen, scraping, sumOf } from './scrapes.ts'

const USER = { method: 'GET', route: '/v1/users/:userId' }
const LIST = { method: 'GET', route: '/v1/users' }
const PATCH = { method: 'PATCH', route: '/v1/users/:userId' }
const REQUESTS = 'users_http_requests_total'
const ROUTED = 'users_http_request_duration_seconds_count'

let service: TestService
let url: string
let scrape: () => Promise<string>
let scrapeWorkers: () => Promise<string>
/** What of this file is ended at its end. */
const ends: (() => unknown)[] = []
const file = { after: (end: () => unknown) => void ends.unshift(end) } as { after(end: () => unknown): void }

before(async () => {
  // Everybody who is drawn is in order, or nobody is drawn: of few users, soon.
  service = await startService({ environment: { AUDIT_SAMPLE_EVERY_MS: '1000' } })
  await service.app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(service.app.server.address() as AddressInfo).port}`
  scrape = await scraping(file as never, service.api.metrics)
  const registry = metricRegistry()
  const worker = await startWorkers(service.config, quiet, ['project', 'jobs'], { registry })
  file.after(() => worker.stop())
  scrapeWorkers = await scraping(file as never, registry)
})
after(async () => {
  for (const end of ends) await end()
  await service?.close()
})

type Asked = { method?: string; headers?: Record<string, string>; body?: object; token?: string }
async function ask(path: string, { method = 'GET', headers = {}, body, token = service.token }: Asked = {}) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return { status: answer.status, headers: answer.headers, body: await answer.text() }
}
/** As a till asks: with few headers, so that the router is not needed. */
async function askHot(path: string): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  request(`${url}${path}`, { headers: { authorization: `Bearer ${service.token}` } }, (response) => {
    response.resume().once('end', () => resolve(response.headers['read-from'] as string | undefined))
  })
    .once('error', reject)
    .end()
  return promise
}
let people = 0
async function somebody(): Promise<string> {
  people += 1
  const body = { username: `m.${people}`, employeeNumber: `M-${people}`, givenName: 'Mo', familyName: 'Lee' }
  const rest = { email: `m${people}@example.com`, phone: null, jobTitle: 'Clerk', homeBranchId: 'B001' }
  const { status, headers, body: said } = await ask('/v1/users', { method: 'POST', body: { ...body, ...rest } })
  assert.equal(status, 201, said)
  return String(headers.get('location'))
}

test('reads that are answered before the router count with their route, and by where they were read', async () => {
  const path = await somebody()
  await until('near', async () => (await askHot(path)) === 'near')
  const first = await scrape()
  for (let i = 0; i < 200; i += 1) assert.equal(await askHot(path), 'near')
  const then = await scrape()
  assert.deepEqual(
    risen(first, then, {
      answered: [REQUESTS, { ...USER, status: '2xx' }],
      near: ['users_reads_total', { source: 'near' }],
      hits: ['users_near_cache_hits_total'],
      misses: ['users_near_cache_misses_total'],
      routed: [ROUTED, USER],
    }),
    { answered: 200, near: 200, hits: 200, misses: 0, routed: 0 },
  )
  const { timed } = risen(first, then, { timed: ['users_hot_read_duration_seconds_count', { source: 'near' }] })
  // One in 64.
  assert.ok(timed === 3 || timed === 4, `${timed}`)
  assert.ok(sumOf(then, 'users_near_cache_entries') >= 1 && sumOf(then, 'users_near_cache_bytes') >= 512)
})

test('what passes the router counts by route, method and class of status, and is timed', async () => {
  const first = await scrape()
  await ask('/v1/users?limit=1')
  await ask('/v1/users?limit=none')
  await ask('/v1/users?limit=1', { token: 'bad' })
  await ask('/nothing/here')
  await ask('/v1/users', { method: 'DELETE' })
  await ask('/v1/users?limit=1', { method: 'HEAD' })
  const then = await scrape()
  const other = { method: 'other', route: 'other' }
  assert.deepEqual(
    risen(first, then, {
      fine: [REQUESTS, { ...LIST, status: '2xx' }],
      refused: [REQUESTS, { ...LIST, status: '4xx' }],
      timed: [ROUTED, LIST],
      elsewhere: [REQUESTS, { ...other, status: '4xx' }],
      badTokens: ['users_tokens_total', { outcome: 'refused' }],
    }),
    // HEAD counts as GET.
    { fine: 2, refused: 2, timed: 4, elsewhere: 2, badTokens: 1 },
  )
})

test('a request is in flight until it is answered, or its caller has gone', async () => {
  await until('nobody else asks', async () => sumOf(await scrape(), 'users_http_requests_in_flight') === 0)
  const path = await somebody()
  const first = await scrape()
  const release = await service.database.holdWrites()
  try {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    const body = '{"jobTitle":"Held"}'
    const head = [
      ...[`PATCH ${path} HTTP/1.1`, 'Host: h', `Authorization: Bearer ${service.token}`],
      ...['Content-Type: application/json', `Content-Length: ${body.length}`],
    ]
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
    await until('it is in flight', async () => sumOf(await scrape(), 'users_http_requests_in_flight') === 1)
    socket.destroy()
    await until('it is not', async () => sumOf(await scrape(), 'users_http_requests_in_flight') === 0)
  } finally {
    await release()
  }
  const { gone } = risen(first, await scrape(), { gone: [REQUESTS, { ...PATCH, status: 'aborted' }] })
  assert.equal(gone, 1)
})

test('commands count by how they ended, once each', async () => {
  const path = await somebody()
  const first = await scrape()
  const key = { 'idempotency-key': '"metrics-key-1"' }
  const change = { method: 'PATCH', body: { jobTitle: 'Other' } }
  await ask(path, change)
  const stale = { 'if-match': '"nothing"' }
  await ask(path, { method: 'PATCH', body: { jobTitle: 'Third' }, headers: stale })
  await ask(path, { method: 'PATCH', body: { nothing: 1 } })
  const body = { username: 'm.twice', employeeNumber: 'M-T', givenName: 'Mo', familyName: 'Lee' }
  const rest = { email: 'mt@example.com', phone: null, jobTitle: 'Clerk', homeBranchId: 'B001' }
  for (const again of [1, 2]) {
    const { status } = await ask('/v1/users', { method: 'POST', headers: key, body: { ...body, ...rest } })
    assert.equal(status, 201, `${again}`)
  }
  const of = (outcome: string): [string, Record<string, string>] => ['users_commands_total', { outcome }]
  assert.deepEqual(
    risen(first, await scrape(), {
      done: of('done'),
      invalid: of('invalid'),
      failed: of('failed'),
      conflicts: of('version-conflict'),
      all: ['users_commands_total'],
      written: ['users_command_writes_total', { visible: 'yes' }],
      replays: ['users_idempotency_replays_total'],
    }),
    { done: 3, invalid: 1, failed: 0, conflicts: 1, all: 5, written: 2, replays: 1 },
  )
})

test('the database, Redis and writes to the read models are seen by whoever uses them', async () => {
  const first = await scrape()
  const path = await somebody()
  assert.equal((await ask(path)).status, 200)
  const last = await scrape()
  const grown = risen(first, last, {
    transactions: ['users_database_call_duration_seconds_count', { call: 'transaction' }],
    failed: ['users_database_failures_total'],
    redisFailed: ['users_redis_failures_total'],
    fences: ['users_read_model_writes_total', { write: 'fence', outcome: 'applied' }],
    applies: ['users_read_model_writes_total', { write: 'apply' }],
  })
  assert.ok(
    Number(grown.transactions) >= 1 && Number(grown.fences) >= 1 && Number(grown.applies) >= 1,
    JSON.stringify(grown),
  )
  // Not since the start: a machine that is late then may cost a read its time.
  assert.deepEqual([grown.failed, grown.redisFailed], [0, 0])
  assert.ok(sumOf(last, 'users_redis_connections_total') >= 1)
  // Of reads only some are timed. Nobody has this number.
  await until('a read of Redis is timed', async () => {
    assert.equal((await ask('/v1/users/900000')).status, 404)
    return sumOf(await scrape(), 'users_redis_call_duration_seconds_count', { call: 'read' }) > 0
  })
})

test('over a driver, connections, waits for them and processes are seen', {
  skip: process.env.TEST_DATABASE === 'drda' ? false : 'the embedded database has no connections',
}, async () => {
  await somebody()
  const text = await scrape()
  for (const pool of ['read', 'write']) {
    const open = sumOf(text, 'users_database_connections', { pool })
    assert.ok(open > 0 && open <= sumOf(text, 'users_database_connections_max', { pool }), `${pool}: ${open}`)
    assert.ok(sumOf(text, 'users_database_driver_processes_started_total', { pool }) > 0, pool)
    assert.ok(sumOf(text, 'users_database_connection_wait_duration_seconds_count', { pool }) > 0, pool)
    assert.equal(sumOf(text, 'users_database_waiting', { pool }), 0, pool)
  }
})

test('a process says what it is, whether it is ready, and what it is short of', async () => {
  const text = await scrape()
  assert.equal(sumOf(text, 'users_build_info'), 1)
  assert.equal(sumOf(text, 'users_ready'), 1)
  for (const check of ['database', 'redis', 'changes'])
    assert.equal(sumOf(text, 'users_health_check_state', { check, state: 'ok' }), 1, check)
  // There is no issuer.
  assert.equal(sumOf(text, 'users_health_check_state', { check: 'issuer' }), 0)
})

test('a worker counts changes, how late they were shown, and batches', async () => {
  const path = await somebody()
  await service.drained()
  const both = async () => scrapeWorkers()
  const first = await both()
  // The other worker, whose metrics nobody reads, may take some.
  for (let i = 0; i < 20; i += 1) {
    await service.sql('UPDATE users SET job_title = ? WHERE user_id = ?', `T${i}`, Number(path.split('/').at(-1)))
    await service.drained()
  }
  const grown = risen(first, await both(), {
    handled: ['users_changes_handled_total'],
    batches: ['users_change_batches_total'],
    late: ['users_change_staleness_seconds_count'],
  })
  assert.ok(Number(grown.handled) > 0 && grown.late === grown.handled, JSON.stringify(grown))
  assert.ok(Number(grown.batches) > 0 && Number(grown.batches) <= Number(grown.handled))
  assert.ok(sumOf(await both(), 'users_projection_lag_seconds') < 30)
})

test('what is everybody’s is asked for at the scrape: consistency, outbox, parked changes, jobs, memory', async () => {
  await somebody()
  await until('users have been drawn', async () => sumOf(await scrapeWorkers(), 'users_consistency_sample_checked') > 0)
  await service.sql(
    `INSERT INTO parked_changes (change_id, entity, entity_id, changed_at, error, attempts, parked_at)
     VALUES (999999, 'user', '1', '2026-01-01 00:00:00.000', 'made up', 1, '2026-01-01 00:00:00.000')`,
  )
  const text = await scrapeWorkers()
  assert.ok(sumOf(text, 'users_consistency_nines') >= 0)
  const share = sumOf(text, 'users_consistency_at_least_ratio')
  assert.ok(share >= 0 && share < 1)
  for (const none of [
    'users_consistency_sample_differing',
    'users_consistency_ahead_partitions',
    'users_outbox_events',
  ])
    assert.equal(sumOf(text, none), 0, none)
  assert.equal(sumOf(text, 'users_parked_changes'), 1)
  assert.ok(sumOf(text, 'users_consistency_sample_age_seconds') < 60)
  assert.ok(sumOf(text, 'users_redis_memory_used_bytes') > 100_000)
  assert.ok(Number.isFinite(sumOf(text, 'users_jobs', { queue: 'audit' })))
  await service.sql('DELETE FROM parked_changes WHERE change_id = 999999')
})

test('names, help and labels keep the conventions, in each kind of process', async () => {
  for (const text of [await scrape(), await scrapeWorkers()]) {
    assert.deepEqual(readExposition(text).flatMap(conventionFaults), [])
  }
})

test('promtool finds nothing in a scrape', { skip: withoutPromtool }, async () => {
  for (const text of [await scrape(), await scrapeWorkers()])
    assert.deepEqual(promtool(['check', 'metrics'], text), { status: 0, said: '' })
})

test('with the database and Redis gone a scrape still comes, and says what is not known', async (context) => {
  const t = lastFirst(context)
  const own = await startService({ worker: false })
  t.after(own.close)
  const registry = metricRegistry()
  const worker = await startWorkers(own.config, quiet, ['project', 'jobs'], { registry })
  t.after(() => worker.stop())
  const ofApi = await scraping(t as never, own.api.metrics)
  const ofWorker = await scraping(t as never, registry)
  await own.built()
  await own.redis.stop()
  const text = await ofWorker()
  for (const unknown of ['users_consistency_nines', 'users_jobs', 'users_redis_memory_used_bytes'])
    assert.ok(Number.isNaN(sumOf(text, unknown)), unknown)
  await until('reads from Redis fail, and are counted', async () => {
    await own.app.inject('/v1/users/1')
    return sumOf(await ofApi(), 'users_health_check_state', { check: 'redis', state: 'degraded' }) === 1
  })
  assert.equal(sumOf(await ofApi(), 'users_ready'), 1)
})
