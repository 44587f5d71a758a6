import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { connectClient, freshKeys, stored } from '../../../test/support/read-models.ts'
import { startTestRedis, type TestRedis } from '../../../test/support/redis.ts'
import { decodeTerms, nameMember, type ProjectedUser, projectGone, type Terms } from './project.ts'
import { OtherIncarnationError, userReadModel } from './store.ts'

const SEED = 20_240_517
const RUNS = 60

let server: TestRedis
let raw: Redis
before(async () => {
  server = await startTestRedis()
  raw = new Redis(server.url, { protocol: 2 })
})
after(async () => {
  raw?.disconnect()
  await server?.stop()
})

async function start(t: TestContext) {
  const keys = freshKeys()
  const runId = /^run_id:(\w+)/m.exec(await raw.info('server'))?.[1]
  const inc = `x.${runId}`
  await raw.set(keys.home.inc, inc)
  const client = await connectClient(t, server.url, keys)
  return { keys, inc, client, model: userReadModel({ redis: client, keys }) }
}

const ann = (version: number, terms: Partial<Terms> = {}): ProjectedUser => ({
  userId: 7,
  version,
  body: Buffer.from(`ann ${version}`),
  terms: { username: 'ann', name: 'novak ann', branches: ['B1'], ...terms },
})

test('what was applied is read back, with and without its terms', async (t) => {
  const { model, inc } = await start(t)
  assert.equal(await model.apply(ann(5), inc), true)
  assert.deepEqual(await model.read(7), { version: 5, body: Buffer.from('ann 5') })
  assert.deepEqual(await model.readWithTerms(7), { version: 5, body: Buffer.from('ann 5'), terms: ann(5).terms })
})

test('an older version answers false and changes nothing, neither entry, index nor hint', async (t) => {
  const { model, inc, keys } = await start(t)
  await model.apply(ann(5), inc)
  const before = await stored(raw, keys)
  assert.equal(await model.apply(ann(4, { username: 'old.ann', branches: ['B9'] }), inc), false)
  assert.deepEqual(await stored(raw, keys), before)
  assert.equal(await raw.get(keys.username('old.ann')), null)
  assert.equal(await raw.get(keys.username('ann')), '7')
})

test('what was read before a flush or a failover is refused after it', async (t) => {
  const { model, keys, inc } = await start(t)
  await raw.set(keys.home.inc, 'another.life')
  await assert.rejects(model.apply(ann(5), inc), OtherIncarnationError)
  assert.deepEqual(await stored(raw, keys), { entries: {}, sets: {} })
  assert.equal(await raw.get(keys.username('ann')), null)
})

test('a username’s hint moves with it, and is gone with the user', async (t) => {
  const { model, inc, keys } = await start(t)
  const hints = () => raw.mget(keys.username('ann'), keys.username('anna'))
  await model.apply(ann(5), inc)
  assert.deepEqual(await hints(), ['7', null])
  await model.apply(ann(6, { username: 'anna' }), inc)
  assert.deepEqual(await hints(), [null, '7'])
  await model.apply(projectGone(7, 7), inc)
  assert.deepEqual(await hints(), [null, null])
})

test('a late worker does not take away the hint of the name’s next holder', async (t) => {
  const { model, inc, keys } = await start(t)
  await model.apply(ann(5), inc)
  await model.apply({ ...ann(3), userId: 8 }, inc)
  await model.apply(ann(6, { username: 'anna' }), inc)
  assert.equal(await raw.get(keys.username('ann')), '8')
})

test('a fenced user is not served, and an apply at the fence’s version is', async (t) => {
  const { model, inc, keys } = await start(t)
  await model.apply(ann(5), inc)
  assert.equal(await model.fence(7, 6), true)
  assert.equal(await model.read(7), null)
  assert.equal(await model.readWithTerms(7), null)
  assert.equal(await model.apply(ann(5), inc), false)
  assert.equal(await model.read(7), null)
  assert.equal(await model.apply(ann(6, { branches: ['B2'] }), inc), true)
  assert.equal((await model.read(7))?.version, 6)
  assert.equal(await model.fence(7, 6), false)
  assert.deepEqual((await stored(raw, keys)).sets, {
    'branch:B2': ['7'],
    ids: ['7'],
    names: [nameMember('novak ann', 7)],
  })
})

test('workers who apply different versions at once leave the newest, with its index entries only', async (t) => {
  const { model, inc, keys } = await start(t)
  await model.apply(ann(1), inc)
  const versions = [3, 5, 2, 4]
  await Promise.all(versions.map((version) => model.apply(ann(version, { branches: [`B${version}`] }), inc)))
  assert.equal((await model.read(7))?.version, 5)
  const { sets } = await stored(raw, keys)
  assert.deepEqual(Object.keys(sets).sort(), ['branch:B5', 'ids', 'names'])
})

test('terms that move at every attempt end with an error, not with an endless loop', async (t) => {
  const { client, keys, inc } = await start(t)
  let attempts = 0
  const restless = {
    ...client,
    run: async (...call: Parameters<typeof client.run>) => {
      attempts += 1
      await raw.hset(keys.user(7), 't', JSON.stringify(['ann', `name ${attempts}`, []]))
      return client.run(...call)
    },
  }
  await assert.rejects(userReadModel({ redis: restless, keys }).apply(ann(5), inc), /kept moving/)
  assert.equal(attempts, 5)
})

// A model: order does not matter. After any calls in any order, at once or one after another, the version is the highest
// that was named, and there is a body exactly when an apply named it.

type Call = { kind: 'apply' | 'fence'; userId: number; version: number }
const USERS = [1, 2]
/** The truth at one version: the same for whoever reads it. Every third has no user: deleted, and inserted again. */
function truthAt(userId: number, version: number): ProjectedUser {
  if (version % 3 === 0) return projectGone(userId, version)
  const terms = {
    username: `u${userId}.${version % 2}`,
    name: `name ${version % 4}`,
    branches: [`B${version % 2}`, `B${version % 5}`],
  }
  return {
    userId,
    version,
    body: Buffer.from(`${userId} at ${version}`),
    terms: { ...terms, branches: [...new Set(terms.branches)] },
  }
}
const call: fc.Arbitrary<Call> = fc.record({
  kind: fc.constantFrom('apply', 'apply', 'fence'),
  userId: fc.constantFrom(...USERS),
  version: fc.integer({ min: 1, max: 12 }),
})
/** Calls of one step are made at once; no more than the attempts that an apply has. */
const steps = fc.array(fc.array(call, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 })

test(`whatever the order, versions never go back and nothing older than a fence is served (seed ${SEED})`, async (t) => {
  const { client, inc: incarnation } = await start(t)
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const keys = freshKeys()
      await raw.set(keys.home.inc, incarnation)
      const model = userReadModel({ redis: client, keys })
      const highest = new Map<number, { version: number; applied: number; fence: number }>()
      for (const step of sequence) {
        await Promise.all(
          step.map(({ kind, userId, version }) =>
            kind === 'fence' ? model.fence(userId, version) : model.apply(truthAt(userId, version), incarnation),
          ),
        )
        for (const { kind, userId, version } of step) {
          const seen = highest.get(userId) ?? { version: -1, applied: -1, fence: -1 }
          seen.version = Math.max(seen.version, version)
          if (kind === 'fence') seen.fence = Math.max(seen.fence, version)
          else seen.applied = Math.max(seen.applied, version)
          highest.set(userId, seen)
        }
        for (const [userId, { version, applied, fence }] of highest) {
          const held = await raw.hget(keys.user(userId), 'v')
          assert.equal(Number(held), version)
          const served = await model.read(userId)
          assert.equal(served !== null, applied === version)
          if (served) {
            assert.ok(served.version >= fence)
            assert.deepEqual(served.body, truthAt(userId, version).body)
          }
          const dirty = await raw.sismember(keys.home.dirty, String(userId))
          assert.equal(dirty, applied === version ? 0 : 1)
        }
      }
      await indexesFit(keys)
    }),
    { seed: SEED, numRuns: RUNS },
  )
})

/**
 * Users stand in the indexes as the terms beside their entries say, and nowhere else: enough to take every index entry
 * out again. The terms are those of the version shown.
 */
async function indexesFit(keys: ReturnType<typeof freshKeys>) {
  const { entries, sets } = await stored(raw, keys)
  const expected: [index: string, member: string][] = []
  for (const userId of USERS) {
    const { v, b, t } = entries[userId] ?? {}
    const terms = decodeTerms(t ?? '')
    if (b !== undefined) assert.deepEqual(terms, truthAt(userId, Number(v)).terms)
    if (!terms) continue
    expected.push(['ids', String(userId)], ['names', nameMember(terms.name, userId)])
    for (const branchId of terms.branches) expected.push([`branch:${branchId}`, String(userId)])
  }
  const { dirty, ...indexes } = sets
  const actual = Object.entries(indexes).flatMap(([index, members]) => members.map((member) => [index, member]))
  assert.deepEqual(actual.sort(), expected.sort())
}
