import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startTestRedis } from '../support/redis.ts'
import { until } from '../support/service.ts'
import { LICENSE_KEY, startCollector } from './newrelic-collector.ts'
import { startOtlpCollector } from './otlp-collector.ts'
import { startProcess } from './process.ts'

const LOADS = join(import.meta.dirname, 'loads.ts')
const NOBODY_THERE = { NEW_RELIC_HOST: '127.0.0.1', NEW_RELIC_PORT: '1' }
const SEEDED = ['all', '--seed-users', '20']
const ONE_IN = 3

async function startAll(t: TestContext, environment: Record<string, string>, preloaded?: string) {
  const redis = await startTestRedis()
  t.after(redis.stop)
  return startProcess(t, SEEDED, { REDIS_URL: redis.url, ...environment }, preloaded)
}

test('without a key and without an endpoint no agent is loaded, in no thread', async (t) => {
  const { NEW_RELIC_LICENSE_KEY: _, ...elsewhere } = (await startCollector(t)).environment
  const process = await startAll(t, elsewhere, LOADS)
  const { ask } = await process.serving()
  assert.equal((await ask('/v1/users/1')).status, 200)
  assert.equal((await process.stop()).code, 0)
  // Two threads; the metrics' package brings the bare API.
  const said = [...process.said.err.matchAll(/loaded: (.*);/g)].map(([, names]) => names)
  assert.ok(said.length >= 2, process.said.err)
  assert.deepEqual(
    [...new Set(said.flatMap((names) => names?.split(' ') ?? []))].filter(
      (name) => name !== '' && name !== '@opentelemetry/api',
    ),
    [],
  )
})

test('with a key both threads load it: so that the test before can fail', async (t) => {
  const { environment } = await startCollector(t)
  const process = await startAll(t, environment, LOADS)
  await process.serving()
  assert.equal((await process.stop()).code, 0)
  assert.equal([...process.said.err.matchAll(/loaded: .*newrelic/g)].length, 2, process.said.err)
})

test('a command that only says something starts none, whatever is set', async (t) => {
  const collector = await startCollector(t)
  const process = await startProcess(t, ['config'], collector.environment, LOADS)
  assert.equal(await process.closed, 0)
  assert.doesNotMatch(process.said.err, /newrelic/)
  assert.equal(collector.connections(), 0)
  assert.equal(process.said.out.includes(LICENSE_KEY), false)
})

test('two agents at once are refused, in one sentence', async (t) => {
  const both = { NEW_RELIC_LICENSE_KEY: LICENSE_KEY, OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }
  const process = await startProcess(t, ['serve'], both)
  assert.equal(await process.closed, 1)
  assert.match(
    process.said.err,
    /^Wrong settings\. NEW_RELIC_LICENSE_KEY and OTEL_EXPORTER_OTLP_ENDPOINT: one of them.*\n$/,
  )
})

for (const [agent, environment] of Object.entries({
  'New Relic': { NEW_RELIC_LICENSE_KEY: LICENSE_KEY, ...NOBODY_THERE },
  OpenTelemetry: { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' },
})) {
  test(`while nobody takes what ${agent} would send, all is answered, and the process ends in time`, async (t) => {
    const process = await startAll(t, { ...environment, TRACING_HOT_ONE_IN: '1' })
    const { ask, send } = await process.serving()
    assert.equal((await ask('/v1/users/1')).status, 200)
    assert.equal((await send('PUT', '/v1/users/1/preferences/theme', { value: 'dark' })).status, 200)
    assert.equal((await process.stop()).code, 0)
  })
}

test('a collector that takes connections and says nothing keeps nobody who ends, well or not', async (t) => {
  const server = createServer()
  const taken: Socket[] = []
  server.on('connection', (socket) => {
    taken.push(socket)
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of taken) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const silent = {
    ...{ NEW_RELIC_LICENSE_KEY: LICENSE_KEY, NEW_RELIC_HOST: '127.0.0.1', NEW_RELIC_PORT: String(port) },
  }
  const failing = await startProcess(t, ['work', 'relay'], silent)
  assert.equal(await failing.closed, 1)
  assert.match(failing.said.err, /^There is nothing to publish: /)
  const process = await startAll(t, silent)
  await process.serving()
  assert.equal((await process.stop()).code, 0)
  assert.ok(taken.length > 0)
})

test('a collector that goes away is not missed by anybody', async (t) => {
  const collector = await startCollector(t)
  const process = await startAll(t, collector.environment)
  const { ask } = await process.serving()
  await until('it was connected', async () => collector.received.some(({ method }) => method === 'connect'))
  await collector.stop()
  assert.equal((await ask('/v1/users/1')).status, 200)
  assert.equal((await process.stop()).code, 0)
})

test('of reads that are answered at once one in so many is told; all others are', async (t) => {
  const { environment, spans } = await startOtlpCollector(t)
  const process = await startAll(t, { ...environment, TRACING_HOT_ONE_IN: String(ONE_IN) })
  const { ask } = await process.serving()
  let before = 0
  await until('it is kept near', async () => {
    before += 1
    return (await ask('/v1/users/1')).headers.get('read-from') === 'near'
  })
  const [hot, cold] = [10 * ONE_IN, 4]
  for (let i = 0; i < hot; i += 1) assert.equal((await ask('/v1/users/1')).headers.get('read-from'), 'near')
  for (let i = 0; i < cold; i += 1) assert.equal((await ask('/v1/users/1/permissions')).status, 200)
  assert.equal((await process.stop()).code, 0)
  const told = spans().filter(({ attributes }) => attributes.hotOneIn === ONE_IN).length
  assert.ok(told >= hot / ONE_IN && told <= hot / ONE_IN + before, `${told} of ${hot}, and of ${before}`)
  assert.equal(spans().filter(({ name }) => name === 'GET /v1/users/:userId/permissions').length, cold)
})
