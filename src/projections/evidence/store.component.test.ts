import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connectClient, connectRaw, freshKeys, redisOfFile } from '../../../test/support/read-models.ts'
import { type Evidence, MAX_PATHS, MAX_SAMPLES, OTHER_PATHS, type Sample } from '../../ports/evidence.ts'
import { evidenceKeys } from './keys.ts'
import { evidenceStore, KEPT_S, MAX_BUCKETS } from './store.ts'

const AT = '2026-11-29T10:00:00.000Z'

const { server } = await redisOfFile()

async function start(t: TestContext) {
  const keys = freshKeys()
  const client = await connectClient(t, server.url, keys)
  const raw = connectRaw(t, server.url)
  return { store: evidenceStore({ redis: client, epoch: keys.epoch }), raw, epoch: keys.epoch }
}
const sample = (requestId: string): Sample => ({
  ...{ at: AT, requestId, answeredBy: 'native' },
  differences: [{ path: '/näme', legacy: '"Xxxx"', native: '(absent)' }],
})
const delta = (given: Partial<Evidence> = {}): Evidence => ({
  since: AT,
  legacy: { requests: 0, failed: 0, buckets: [] },
  native: { requests: 0, failed: 0, buckets: [] },
  compared: { equal: 0, mismatch: 0, noise: 0, race: 0, failed: 0, dropped: 0 },
  paths: {},
  noise: {},
  samples: [],
  ...given,
})

test('nothing is known of a route that nobody has seen', async (t) => {
  const { store } = await start(t)
  assert.equal(await store.read('get-user', AT), null)
})

test('what replicas add is known to all, added up', async (t) => {
  const { store } = await start(t)
  const seen = delta({
    legacy: { requests: 3, failed: 1, buckets: [0, 2, 0, 1] },
    native: { requests: 1, failed: 0, buckets: [1] },
    compared: { ...delta().compared, equal: 4, mismatch: 2, dropped: 1 },
    paths: { '/näme': 2, '': 1, constructor: 1 },
    noise: { '/at': 5 },
    samples: [sample('r2'), sample('r1')],
  })
  await store.add('get-user', AT, seen)
  await store.add('get-user', AT, { ...seen, samples: [sample('r4'), sample('r3')] })
  assert.deepEqual(await store.read('get-user', AT), {
    since: AT,
    legacy: { requests: 6, failed: 2, buckets: [0, 4, 0, 2] },
    native: { requests: 2, failed: 0, buckets: [2] },
    compared: { equal: 8, mismatch: 4, noise: 0, race: 0, failed: 0, dropped: 2 },
    paths: { '/näme': 4, '': 2, constructor: 2 },
    noise: { '/at': 10 },
    samples: [sample('r4'), sample('r3'), sample('r2'), sample('r1')],
  })
})

test('each route, and each time that it is in a mode, is counted for itself', async (t) => {
  const { store } = await start(t)
  const one = delta({ native: { requests: 1, failed: 0, buckets: [1] } })
  await store.add('get-user', 'start', one)
  await store.add('get-user', AT, one)
  await store.add('get-branch-users', AT, one)
  for (const [route, since] of [
    ['get-user', 'start'],
    ['get-user', AT],
    ['get-branch-users', AT],
  ] as const)
    assert.equal((await store.read(route, since))?.native.requests, 1)
  assert.equal(await store.read('get-branch-users', 'start'), null)
})

test('paths are bounded over all replicas; what is known goes on being counted', async (t) => {
  const { store, raw, epoch } = await start(t)
  const many = (kind: string) => Object.fromEntries(Array.from({ length: MAX_PATHS }, (_, i) => [`/${kind}${i}`, 2]))
  await store.add('r', AT, delta({ paths: many('a'), noise: { '/n': 1 } }))
  await store.add('r', AT, delta({ paths: { ...many('b'), '/a7': 1, [OTHER_PATHS]: 5 }, noise: { '/m': 1 } }))
  const known = await store.read('r', AT)
  assert.equal(Object.keys(known?.paths ?? {}).length, MAX_PATHS + 1)
  assert.deepEqual([known?.paths['/a7'], known?.paths[OTHER_PATHS]], [3, 2 * MAX_PATHS + 5])
  assert.deepEqual(known?.noise, { '/n': 1, '/m': 1 })
  const fields = await raw.hlen(evidenceKeys(epoch, 'r', AT).counts)
  assert.ok(fields < MAX_PATHS + 10, `${fields}`)
})

test('samples are bounded: the newest are kept', async (t) => {
  const { store } = await start(t)
  const samples = Array.from({ length: MAX_SAMPLES }, (_, i) => sample(`b${i}`))
  await store.add('r', AT, delta({ samples: [sample('a1'), sample('a0')] }))
  await store.add('r', AT, delta({ samples }))
  assert.deepEqual((await store.read('r', AT))?.samples, samples)
  await store.add('r', AT, delta({ samples: [sample('c')] }))
  const ids = (await store.read('r', AT))?.samples.map(({ requestId }) => requestId)
  assert.deepEqual([ids?.length, ids?.[0], ids?.[1]], [MAX_SAMPLES, 'c', 'b0'])
})

test('it goes by itself, some days after something was added last', async (t) => {
  const { store, raw, epoch } = await start(t)
  const { counts, samples } = evidenceKeys(epoch, 'r', AT)
  const seen = delta({ noise: { '/n': 1 }, samples: [sample('a')] })
  await store.add('r', AT, seen)
  await raw.expire(counts, 9)
  await raw.expire(samples, 9)
  await store.add('r', AT, delta({ noise: { '/n': 1 } }))
  for (const key of [counts, samples]) {
    const left = await raw.ttl(key)
    assert.ok(left > KEPT_S - 60 && left <= KEPT_S, `${key}: ${left}`)
  }
})

test('what others have written there spoils nothing else', async (t) => {
  const { store, raw, epoch } = await start(t)
  const { counts, samples } = evidenceKeys(epoch, 'r', AT)
  await store.add('r', AT, delta({ samples: [sample('a')], native: { requests: 1, failed: 0, buckets: [1] } }))
  await raw.lpush(samples, 'no JSON', 'null', '{"at": 1, "differences": []}', '{"at": "today"}')
  await raw.hset(counts, `native:bucket:${MAX_BUCKETS}`, 1, 'native:bucket:999999999', 1, 'else', 'x')
  const known = await store.read('r', AT)
  assert.deepEqual([known?.samples, known?.native.buckets], [[sample('a')], [1]])
})

test('when Redis does not take it that is told', async (t) => {
  const { store, raw, epoch } = await start(t)
  await raw.set(evidenceKeys(epoch, 'r', AT).counts, 'a text')
  await assert.rejects(store.add('r', AT, delta({ noise: { '/n': 1 } })), /WRONGTYPE/)
})
