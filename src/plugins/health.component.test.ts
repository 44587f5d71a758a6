import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import Fastify from 'fastify'
import { type Check, registerHealth } from './health.ts'

function appWith(t: TestContext, checks: () => Promise<Record<string, Check>>) {
  const app = Fastify({ return503OnClosing: false })
  // What the schemas of the document need is not under test here.
  app.setSerializerCompiler(() => JSON.stringify)
  const consistency = async () => Promise.reject(new Error('nothing is measured here'))
  registerHealth(app, { checks, consistency })
  t.after(() => app.close())
  return app
}

const ok: Check = { state: 'ok' }
const degraded: Check = { state: 'degraded', why: 'out of reach' }
const failing: Check = { state: 'failing', why: 'does not answer' }
const READINESS: [checks: Record<string, Check>, status: number][] = [
  [{ database: ok, redis: ok }, 200],
  [{ database: ok, redis: degraded }, 200],
  [{ database: degraded, redis: ok }, 200],
  [{ database: failing, redis: failing }, 503],
  [{ database: ok, redis: failing }, 503],
]

for (const [checks, status] of READINESS) {
  const states = Object.entries(checks).map(([name, { state }]) => `${name} ${state}`)
  test(`with ${states.join(' and ')} readiness is ${status} and says why`, async (t) => {
    const app = appWith(t, async () => ({ ...checks }))
    const answer = await app.inject('/health/ready')
    assert.equal(answer.statusCode, status)
    assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
    assert.deepEqual(answer.json(), { ready: status === 200, checks })
  })
}

test('the process is alive whatever its dependencies do: their checks are not even asked', async (t) => {
  const app = appWith(t, () => Promise.reject(new Error('asked')))
  const answer = await app.inject('/health/live')
  assert.equal(answer.statusCode, 200)
  assert.deepEqual(answer.json(), { alive: true })
})

test('while the process shuts down it is alive, and no longer ready', async (t) => {
  const app = appWith(t, async () => ({ database: ok }))
  const seen: unknown[] = []
  // Runs after the plugin's own hook, while there is still somebody who listens.
  app.addHook('preClose', async () => {
    for (const path of ['ready', 'live']) {
      const answer = await fetch(`${address}/health/${path}`)
      seen.push([answer.status, await answer.json()])
    }
  })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  await app.close()
  const checks = { database: ok, process: { state: 'failing', why: 'shutting down' } }
  assert.deepEqual(seen, [
    [503, { ready: false, checks }],
    [200, { alive: true }],
  ])
})
