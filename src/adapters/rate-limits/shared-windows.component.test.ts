import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Redis } from 'ioredis'
import { lastFirst, type Owner } from '../../../test/contract/rig.ts'
import { startTestCluster } from '../../../test/support/cluster.ts'
import { startTestRedis } from '../../../test/support/redis.ts'
import { quiet, until } from '../../../test/support/service.ts'
import { countersConnection } from '../redis/counters-connection.ts'
import { counterKey, sharedWindows } from './shared-windows.ts'

const WINDOW_S = 60
/** Long enough that a busy machine keeps within it; short enough that nobody takes a hang for it. */
const DEADLINE_MS = 500

function replica(t: Owner, url: string, limit: number, deadlineMs = DEADLINE_MS) {
  const counters = countersConnection({ url, deadlineMs, log: quiet })
  t.after(() => counters.close())
  return { ...sharedWindows({ limit, windowS: WINDOW_S, nowMs: () => performance.now(), counters }), counters }
}
type Replica = ReturnType<typeof replica>
const connected = (...replicas: Replica[]) =>
  until('connected', async () => replicas.every(({ counters }) => counters.client.status === 'ready'))

async function redis(t: Owner) {
  const server = await startTestRedis()
  const admin = new Redis(server.url, { protocol: 2 })
  t.after(server.stop)
  t.after(() => admin.disconnect())
  return { ...server, admin }
}

test('two replicas count together, and a window ends for both at once', async (context) => {
  const t = lastFirst(context)
  const { url, admin } = await redis(t)
  const [a, b] = [replica(t, url, 4), replica(t, url, 4)]
  await connected(a, b)
  const first = await a.take('till')
  assert.deepEqual([first.allowed, first.limit, first.remaining], [true, 4, 3])
  assert.ok(first.resetS <= WINDOW_S && first.resetS >= WINDOW_S - 5)
  const next = [await b.take('till'), await a.take('till'), await b.take('till')]
  assert.deepEqual(
    next.map(({ allowed, remaining }) => [allowed, remaining]),
    [
      [true, 2],
      [true, 1],
      [true, 0],
    ],
  )
  for (const one of [a, b, a, b]) {
    const { allowed, remaining, resetS } = await one.take('till')
    assert.deepEqual([allowed, remaining], [false, 0])
    assert.ok(resetS > 0 && resetS <= WINDOW_S)
  }
  assert.equal((await b.take('another till')).remaining, 3)
  // Whoever is over the limit is no further work for Redis: it was asked for the four, and once by each after them.
  assert.equal(await admin.get(counterKey('till')), '6')
})

test('counters end by themselves, under names that say nothing of the caller', async (context) => {
  const t = lastFirst(context)
  const { url, admin } = await redis(t)
  const one = replica(t, url, 4)
  await connected(one)
  await one.take('trs\u0000zofia.wojcik')
  await one.take('trs\u0000zofia.wojcik')
  const keys = await admin.keys('*')
  assert.deepEqual(keys, [counterKey('trs\u0000zofia.wojcik')])
  assert.doesNotMatch(keys.join(), /zofia|trs/)
  const ttlMs = await admin.pttl(keys[0] ?? '')
  assert.ok(ttlMs > 0 && ttlMs <= WINDOW_S * 1_000)
})

test('while Redis is away each replica goes by what it has counted itself, and waits for nothing', async (context) => {
  const t = lastFirst(context)
  const { url, stop } = await redis(t)
  const [a, b] = [replica(t, url, 3), replica(t, url, 3)]
  await connected(a, b)
  await a.take('till')
  await b.take('till')
  await stop()
  await until('its end is noticed', async () => a.counters.client.status !== 'ready')
  const before = performance.now()
  const alone = [await a.take('till'), await a.take('till'), await a.take('till')]
  // What it had allowed before is not forgotten.
  assert.deepEqual(
    alone.map(({ allowed, remaining }) => [allowed, remaining]),
    [
      [true, 1],
      [true, 0],
      [false, 0],
    ],
  )
  assert.ok(performance.now() - before < DEADLINE_MS)
})

test('a Redis that has stopped answering keeps nobody longer than the deadline, and is used again when it answers', async (context) => {
  const t = lastFirst(context)
  const { url, pid } = await redis(t)
  const one = replica(t, url, 1_000, 100)
  await connected(one)
  process.kill(pid, 'SIGSTOP')
  t.after(() => process.kill(pid, 'SIGCONT'))
  const waits: number[] = []
  for (let i = 0; i < 12; i += 1) {
    const before = performance.now()
    assert.equal((await one.take('till')).allowed, true)
    waits.push(performance.now() - before)
  }
  // The first few find it out; after them nobody waits. Late by the machine's other work, and by that alone.
  assert.ok((waits[0] ?? 0) < 100 + DEADLINE_MS, String(waits))
  assert.ok(waits.filter((ms) => ms > 50).length <= 8, String(waits))
  assert.ok((waits.at(-1) ?? 0) < 50, String(waits))
  process.kill(pid, 'SIGCONT')
  const other = replica(t, url, 1_000, DEADLINE_MS)
  await connected(other)
  await until('they count together again', async () => {
    const before = (await other.take('pair')).remaining
    await one.take('pair')
    return (await other.take('pair')).remaining === before - 2
  })
})

test('a Redis without room for more counters changes nothing for callers', async (context) => {
  const t = lastFirst(context)
  const { url, admin } = await redis(t)
  const one = replica(t, url, 2)
  await connected(one)
  await admin.config('SET', 'maxmemory-policy', 'noeviction')
  await admin.config('SET', 'maxmemory', '1')
  const answers = [await one.take('till'), await one.take('till'), await one.take('till')]
  assert.deepEqual(
    answers.map(({ allowed }) => allowed),
    [true, true, false],
  )
})

test('on a Redis Cluster each caller is counted where their key lives', async (context) => {
  const t = lastFirst(context)
  const cluster = await startTestCluster()
  t.after(cluster.stop)
  const [a, b] = [replica(t, cluster.url, 2), replica(t, cluster.url, 2)]
  await connected(a, b)
  for (let i = 0; i < 20; i += 1) {
    assert.equal((await a.take(`till ${i}`)).remaining, 1)
    assert.equal((await b.take(`till ${i}`)).remaining, 0)
    assert.equal((await a.take(`till ${i}`)).allowed, false)
  }
})
