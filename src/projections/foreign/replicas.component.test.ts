import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  fresh,
  KIND,
  missing,
  neighbour,
  REFRESHES,
  replica,
  SHAPE,
  stale,
  TIMES,
} from '../../../test/support/foreign.ts'
import { connectClient, connectRaw, freshKeys, redisOfFile } from '../../../test/support/read-models.ts'
import { startTestRedis } from '../../../test/support/redis.ts'
import { quiet, until } from '../../../test/support/service.ts'
import { mendingTypes } from '../damage/damage.ts'
import { foreignKey } from '../keys.ts'

// Three processes, each with a connection of its own, on one real Redis.

const REPLICAS = 3
const READS_A_REPLICA = 200
/** Longer than a test takes: a claim ends when the test says so. */
const CLAIM_MS = 60_000

const { server, raw } = await redisOfFile()

let ids = 0
/** Ids are the test's own, as its keys are. */
async function stage(t: TestContext, { url = server.url, readDeadlineMs = 2_000 } = {}) {
  const wall = { now: Date.now() }
  const shops = neighbour()
  const replicas = await Promise.all(
    Array.from({ length: REPLICAS }, async () => {
      const client = await connectClient(t, url, freshKeys(), { readDeadlineMs })
      const redis = mendingTypes(client, { log: quiet, onDropped: () => undefined })
      const all = replica({ redis, fetch: shops.fetch, now: () => wall.now, claimMs: CLAIM_MS })
      t.after(all.stop)
      return { ...all, client }
    }),
  )
  ids += 1
  const id = `s${ids}`
  const key = foreignKey(KIND, SHAPE, id)
  const copy = (ageMs: number, value: object | null = { name: `the ${id}` }) =>
    raw.set(key, JSON.stringify({ at: wall.now - ageMs, value }), 'PX', TIMES.staleIfErrorMs)
  /** Everybody reads at once, many times. */
  const crowd = () => replicas.flatMap((one) => Array.from({ length: READS_A_REPLICA }, () => one.begin([id])))
  const claimEnds = async () => {
    await raw.pexpire(`${key}:claim`, 1)
    await until('the claim is over', async () => (await raw.exists(`${key}:claim`)) === 0)
  }
  const asked = () => until('it is asked for', async () => shops.calls.length > 0)
  const kept = () => until('it is kept', () => raw.get(key))
  const [one = assert.fail(), two = one] = replicas
  return { wall, shops, replicas, one, two, id, key, copy, crowd, claimEnds, asked, kept }
}

test('an old copy that many read on all replicas is asked for once', async (t) => {
  const { shops, id, key, copy, crowd, asked, wall } = await stage(t)
  await copy(TIMES.freshMs + 1)
  const readings = crowd()
  const old = stale(id, 'refreshing', wall.now - TIMES.freshMs - 1)
  await asked()
  await until(
    'two replicas have answered',
    async () => readings.filter(({ found }) => found()).length >= 2 * READS_A_REPLICA,
  )
  const [shown, waiting] = [readings.filter(({ found }) => found()), readings.filter(({ found }) => !found())]
  assert.deepEqual([shown.length, waiting.length], [2 * READS_A_REPLICA, READS_A_REPLICA])
  for (const { found } of shown) assert.deepEqual(found(), { [id]: old })
  assert.ok((await raw.pttl(`${key}:claim`)) > 0)
  await shops.calls[0]?.answer()
  for (const { answered } of waiting) assert.deepEqual(await answered(), { [id]: fresh(id) })
  await until('the claim is given back', async () => (await raw.exists(`${key}:claim`)) === 0)
  for (const { answered } of crowd()) assert.deepEqual(await answered(), { [id]: fresh(id) })
  assert.deepEqual(shops.asked(), [id])
  assert.ok((await raw.pttl(key)) > TIMES.staleIfErrorMs / 2)
})

test('a copy that grows old is refreshed once, and nobody waits', async (t) => {
  const { shops, id, key, copy, crowd, asked, two } = await stage(t)
  await copy(TIMES.refreshAfterMs)
  for (const { answered } of crowd()) assert.deepEqual(await answered(), { [id]: fresh(id) })
  await asked()
  await shops.calls[0]?.answer({ [id]: { name: 'newer' } })
  await until('the newer one is kept', async () => (await raw.get(key))?.includes('newer'))
  assert.deepEqual(await two.begin([id]).answered(), { [id]: { state: 'fresh', value: { name: 'newer' } } })
  assert.deepEqual(shops.asked(), [id])
})

test('an old copy that hurried readers ask for at one replica is fresh for a patient one at another', async (t) => {
  const { shops, id, copy, one, two, asked } = await stage(t)
  await copy(TIMES.freshMs + 1)
  const hurried = [one.begin([id], { waitMs: 15 }), one.begin([id], { waitMs: 15 })]
  await asked()
  one.clock.advance(15)
  for (const { answered } of hurried) assert.equal((await answered())[id]?.state, 'stale')
  assert.equal((await two.begin([id]).answered())[id]?.state, 'stale', 'it is under way')
  const { caller, answer } = shops.next()
  assert.equal(caller.signal.aborted, false)
  await answer()
  await until('it is kept', async () => (await two.begin([id]).answered())[id]?.state === 'fresh')
  assert.deepEqual(shops.asked(), [])
})

test('a call that ends when its reader goes away leaves no claim behind', async (t) => {
  const { shops, id, key, copy, one, two, asked } = await stage(t)
  await copy(TIMES.freshMs + 1)
  // All places for calls that nobody waits for are taken.
  const others = Array.from({ length: REFRESHES }, (_, n) => `${id}.${n}`)
  for (const other of others) {
    await raw.set(foreignKey(KIND, SHAPE, other), await raw.get(key).then(String), 'PX', TIMES.staleIfErrorMs)
    one.begin([other])
  }
  await until('they are asked for', async () => shops.calls.length === REFRESHES)
  const reading = one.begin([id])
  await until('it is asked for', async () => shops.calls.length > REFRESHES)
  const { caller, fail } = shops.calls.at(-1) ?? assert.fail()
  reading.leave()
  assert.equal((await reading.answered())[id]?.state, 'stale')
  assert.equal(caller.signal.aborted, true)
  await fail('cancelled')
  await until('the claim is given back', async () => (await raw.exists(`${key}:claim`)) === 0)
  shops.calls.splice(0)
  const next = two.begin([id])
  await asked()
  await shops.next().answer()
  assert.deepEqual(await next.answered(), { [id]: fresh(id) })
})

test('while the other service is down it is asked about an old copy once a claim, by all replicas together', async (t) => {
  const { shops, id, copy, crowd, claimEnds, asked, wall } = await stage(t)
  await copy(TIMES.freshMs + 1)
  const at = wall.now - TIMES.freshMs - 1
  for (let round = 1; round <= 3; round += 1) {
    const readings = crowd()
    await asked()
    await shops.next().fail('unavailable')
    const found = await Promise.all(readings.map(({ answered }) => answered()))
    for (const reading of crowd()) found.push(await reading.answered())
    const reasons = new Set(found.map((one) => (one[id]?.state === 'stale' ? one[id].reason : one[id]?.state)))
    assert.deepEqual(reasons, new Set(['unavailable', 'refreshing']))
    assert.deepEqual(found.at(-1), { [id]: stale(id, 'refreshing', at) })
    assert.deepEqual(shops.asked(), [], `round ${round}`)
    await claimEnds()
  }
})

test('that somebody is unknown is known to all replicas', async (t) => {
  const { shops, id, one, two, asked, kept } = await stage(t)
  const reading = one.begin([id])
  await asked()
  await shops.next().answer({ [id]: null })
  assert.deepEqual(await reading.answered(), { [id]: { state: 'fresh', value: null } })
  await kept()
  assert.deepEqual(await two.begin([id]).answered(), { [id]: { state: 'fresh', value: null } })
  assert.deepEqual(shops.asked(), [])
})

test('what another type of key stands in the place of is asked for, and kept', async (t) => {
  const { shops, id, key, one, two, asked } = await stage(t)
  await raw.hset(key, 'at', '1')
  const reading = one.begin([id])
  await asked()
  await shops.next().answer()
  assert.deepEqual(await reading.answered(), { [id]: fresh(id) })
  await until('it is kept', async () => (await raw.type(key)) === 'string')
  assert.deepEqual(await two.begin([id]).answered(), { [id]: fresh(id) })
})

test('when Redis is killed everybody is still answered, and copies are shown again when it is back', async (t) => {
  const own = await startTestRedis()
  t.after(own.stop)
  const { shops, id, replicas, one, two, asked } = await stage(t, { url: own.url })
  process.kill(own.pid, 'SIGKILL')
  await until('all have noticed', async () => replicas.every(({ client }) => !client.isReady()))
  const readings = replicas.flatMap(({ begin }) => [begin([id]), begin([id])])
  await until('each has asked', async () => shops.calls.length === REPLICAS)
  for (const { answer } of shops.calls.splice(0)) await answer()
  for (const { answered } of readings) assert.deepEqual(await answered(), { [id]: fresh(id) })
  const failing = one.begin([id])
  await asked()
  await shops.next().fail('circuit-open')
  assert.deepEqual(await failing.answered(), { [id]: missing('circuit-open') })

  await own.stop()
  const again = await startTestRedis({ port: own.port })
  t.after(again.stop)
  await until('all are back', async () => replicas.every(({ client }) => client.isReady()))
  const back = one.begin([id])
  await asked()
  await shops.next().answer()
  await back.answered()
  const there = connectRaw(t, again.url)
  await until('it is kept', () => there.get(foreignKey(KIND, SHAPE, id)))
  assert.deepEqual(await two.begin([id]).answered(), { [id]: fresh(id) })
  assert.deepEqual(shops.asked(), [])
})

test('a Redis that has fallen silent costs a reader the deadline of reads, and no answer', async (t) => {
  const own = await startTestRedis()
  t.after(own.stop)
  const { shops, id, one, asked } = await stage(t, { url: own.url, readDeadlineMs: 50 })
  process.kill(own.pid, 'SIGSTOP')
  try {
    const reading = one.begin([id])
    await asked()
    await shops.next().answer()
    assert.deepEqual(await reading.answered(), { [id]: fresh(id) })
  } finally {
    process.kill(own.pid, 'SIGCONT')
  }
})
