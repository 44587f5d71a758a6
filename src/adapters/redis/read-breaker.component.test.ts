import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { describe, type TestContext, test } from 'node:test'
import { lastFirst } from '../../../test/contract/rig.ts'
import { connectRaw, freshKeys } from '../../../test/support/read-models.ts'
import { startTestRedis } from '../../../test/support/redis.ts'
import { quiet, until } from '../../../test/support/service.ts'
import { redisClient } from './client.ts'

const DEADLINE_MS = 60
/** What the machine may add. */
const MARGIN_MS = 1_000
const PAUSE_MS = 1_500

async function start(context: TestContext) {
  const t = lastFirst(context)
  const said: string[] = []
  const say = (_: object, message: string) => void said.push(message)
  const server = await startTestRedis()
  t.after(() => server.stop())
  const client = redisClient({
    url: server.url,
    incKeys: [freshKeys().home.inc],
    readDeadlineMs: DEADLINE_MS,
    confirm: async () => true,
    commandTimeoutMs: 30_000,
    connectTimeoutMs: 1_000,
    log: { ...quiet, info: say, warn: say },
  })
  t.after(() => client.close())
  await client.ready()
  return { client, raw: connectRaw(t, server.url), said }
}

/** Each has a Redis of its own, and waits for the most part. */
describe('reads of a Redis that is slow', { concurrency: 4 }, () => {
  test('a Redis that answers late costs a few readers the deadline, the others nothing, and comes back', async (t) => {
    const { client, raw } = await start(t)
    await client.set('k', 'v')
    // Holds back everybody's answers; the connection stays, and is not silent for long enough to be given up.
    await raw.client('PAUSE', PAUSE_MS)
    const pausedAt = performance.now()
    const tookMs: number[] = []
    for (let i = 0; i < 200; i += 1) {
      const startedAt = performance.now()
      await assert.rejects(client.get('k'))
      tookMs.push(performance.now() - startedAt)
    }
    assert.ok(performance.now() - pausedAt < PAUSE_MS, 'two hundred readers were refused while it was paused')
    const waited = tookMs.filter((ms) => ms > DEADLINE_MS / 2)
    assert.ok(waited.length <= 15, `${waited.length} readers waited`)
    assert.ok(Math.max(...tookMs) < DEADLINE_MS + MARGIN_MS)
    await until('readers are let through again', async () => (await client.get('k').catch(() => null)) === 'v')
  })

  test('writes are tried although reads are not', async (t) => {
    const { client, raw } = await start(t)
    await raw.client('PAUSE', PAUSE_MS)
    await until('the breaker is open', async () => {
      const startedAt = performance.now()
      return client.get('k').then(
        () => false,
        () => performance.now() - startedAt < DEADLINE_MS / 2,
      )
    })
    await client.set('k', 'written')
    assert.equal(await raw.get('k'), 'written')
  })

  const SAID = {
    get: ['Redis is slow or gone: reads go to the database', 'reads go to Redis again'],
    getExpiring: [
      'Redis is slow or gone: other services are asked without copies',
      'copies of what other services say are used again',
    ],
  } as const
  for (const name of ['get', 'getExpiring'] as const) {
    test(`that ${name} is refused, and then is not any more, is said in its own words`, async (t) => {
      const { client, raw, said } = await start(t)
      const [open, close] = SAID[name]
      await raw.client('PAUSE', PAUSE_MS)
      await until('it is refused, and let through again', async () => {
        await client[name]('k').catch(() => null)
        return said.at(-1) === close
      })
      assert.deepEqual(new Set(said), new Set([open, close]))
    })
  }
})
