import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import {
  believe,
  connectClient,
  freshKeys,
  PARTITION_COUNTS,
  redisOfFile,
  stored,
} from '../../../test/support/read-models.ts'
import { keysOf } from '../keys.ts'
import { NOBODY } from './bodies.ts'
import { decodeTerms, nameMember, type ProjectedUser, projectGone, type Terms } from './project.ts'
import { OtherIncarnationError, userReadModel } from './store.ts'

const SEED = 20_240_517
const RUNS = 60

const { server, raw } = await redisOfFile()

/** No other schema is in use. */
const ALONE = { others: async () => [] }

async function start(t: TestContext, partitions = 1) {
  const keys = freshKeys(partitions)
  const inc = await believe(raw, keys)
  const client = await connectClient(t, server.url, keys)
  return { keys, inc, client, model: userReadModel({ redis: client, keys, schemas: ALONE }) }
}

/** In no partition's way that is the first one of several. */
const ID = 9
const bodiesOf = (text: string) => ({ full: Buffer.from(text), bare: Buffer.from(`bare ${text}`) })
const ann = (version: number, terms: Partial<Terms> = {}): ProjectedUser => ({
  userId: ID,
  version,
  bodies: bodiesOf(`ann ${version}`),
  terms: { username: 'ann', name: 'novak ann', branches: ['B1'], ...terms },
})

for (const partitions of PARTITION_COUNTS) {
  test(`what was applied is read back, with and without its terms (of ${partitions})`, async (t) => {
    const { model, inc } = await start(t, partitions)
    assert.equal(await model.apply(ann(5), inc), true)
    const { bodies, terms } = ann(5)
    assert.deepEqual(await model.read(ID), { version: 5, bodies })
    assert.deepEqual(await model.readWithTerms(ID), { version: 5, bodies, terms })
  })

  for (const [what, damage] of Object.entries({
    'one body is missing': (key: string) => raw.hdel(key, 'p'),
    'the other body is missing': (key: string) => raw.hdel(key, 'b'),
    'one body says that there is nobody': (key: string) => raw.hset(key, 'p', ''),
    'the other body says that there is nobody': (key: string) => raw.hset(key, 'b', ''),
  }))
    test(`where ${what}, neither is served, and a reader with a lease puts both right (of ${partitions})`, async (t) => {
      const { model, inc, keys } = await start(t, partitions)
      await model.apply(ann(5), inc)
      await damage(keys.user(ID))
      assert.deepEqual(await model.read(ID), { version: 5, bodies: null })
      assert.equal(await model.readWithTerms(ID), null)
      const answer = await model.lease(ID, inc, 5)
      assert.ok(typeof answer === 'object' && 'lease' in answer)
      assert.equal(await model.apply(ann(5), inc, answer.lease), true)
      assert.deepEqual(await model.read(ID), { version: 5, bodies: ann(5).bodies })
    })

  test(`an older version answers false and changes nothing, neither entry, index nor hint (of ${partitions})`, async (t) => {
    const { model, inc, keys } = await start(t, partitions)
    await model.apply(ann(5), inc)
    const before = await stored(raw, keys)
    assert.equal(await model.apply(ann(4, { username: 'old.ann', branches: ['B9'] }), inc), false)
    assert.deepEqual(await stored(raw, keys), before)
    assert.equal(await raw.get(keys.username('old.ann')), null)
    assert.equal(await raw.get(keys.username('ann')), String(ID))
  })

  test(`what was read before a flush or a failover is refused after it (of ${partitions})`, async (t) => {
    const { model, keys, inc } = await start(t, partitions)
    await raw.set(keys.of(ID).inc, 'another.life')
    await assert.rejects(model.apply(ann(5), inc), OtherIncarnationError)
    assert.deepEqual(await stored(raw, keys), { entries: {}, sets: {} })
    assert.equal(await raw.get(keys.username('ann')), null)
  })

  test(`a username’s hint moves with it, and is gone with the user (of ${partitions})`, async (t) => {
    const { model, inc, keys } = await start(t, partitions)
    const hints = () => raw.mget(keys.username('ann'), keys.username('anna'))
    await model.apply(ann(5), inc)
    assert.deepEqual(await hints(), [String(ID), null])
    await model.apply(ann(6, { username: 'anna' }), inc)
    assert.deepEqual(await hints(), [null, String(ID)])
    await model.apply(projectGone(ID, 7), inc)
    assert.deepEqual(await hints(), [null, null])
  })

  test(`a late worker does not take away the hint of the name’s next holder (of ${partitions})`, async (t) => {
    const { model, inc, keys } = await start(t, partitions)
    await model.apply(ann(5), inc)
    await model.apply({ ...ann(3), userId: 8 }, inc)
    await model.apply(ann(6, { username: 'anna' }), inc)
    assert.equal(await raw.get(keys.username('ann')), '8')
  })

  test(`a fenced user is not served, and an apply at the fence’s version is (of ${partitions})`, async (t) => {
    const { model, inc, keys } = await start(t, partitions)
    await model.apply(ann(5), inc)
    assert.equal(await model.fence(ID, 6), true)
    assert.deepEqual(await model.read(ID), { version: 6, bodies: null })
    assert.equal(await model.readWithTerms(ID), null)
    assert.equal(await model.apply(ann(5), inc), false)
    assert.deepEqual(await model.read(ID), { version: 6, bodies: null })
    assert.equal(await model.apply(ann(6, { branches: ['B2'] }), inc), true)
    assert.equal((await model.read(ID))?.version, 6)
    assert.equal(await model.fence(ID, 6), false)
    assert.deepEqual((await stored(raw, keys)).sets, {
      'branch:B2': [String(ID)],
      ids: [String(ID)],
      names: [nameMember('novak ann', ID)],
    })
  })

  test(`workers who apply different versions at once leave the newest, with its index entries only (of ${partitions})`, async (t) => {
    const { model, inc, keys } = await start(t, partitions)
    await model.apply(ann(1), inc)
    const versions = [3, 5, 2, 4]
    await Promise.all(versions.map((version) => model.apply(ann(version, { branches: [`B${version}`] }), inc)))
    assert.equal((await model.read(ID))?.version, 5)
    const { sets } = await stored(raw, keys)
    assert.deepEqual(Object.keys(sets).sort(), ['branch:B5', 'ids', 'names'])
  })

  test(`terms that move at every attempt end with an error, not with an endless loop (of ${partitions})`, async (t) => {
    const { client, keys, inc } = await start(t, partitions)
    let attempts = 0
    const restless = {
      ...client,
      run: async (...call: Parameters<typeof client.run>) => {
        attempts += 1
        await raw.hset(keys.user(ID), 't', JSON.stringify(['ann', `name ${attempts}`, []]))
        return client.run(...call)
      },
    }
    await assert.rejects(userReadModel({ redis: restless, keys, schemas: ALONE }).apply(ann(5), inc), /kept moving/)
    assert.equal(attempts, 5)
  })

  test(`one reader at a time gets the lease, and only with it can a reader fill (of ${partitions})`, async (t) => {
    const { model, inc } = await start(t, partitions)
    const answer = await model.lease(ID, inc, 0)
    assert.ok(typeof answer === 'object' && 'lease' in answer)
    assert.equal(await model.lease(ID, inc, 0), 'taken')
    assert.equal(await model.apply(ann(5), inc, 'another'), false)
    assert.equal(await model.apply(ann(5), inc, answer.lease), true)
    assert.equal(await model.apply(ann(6), inc, answer.lease), false, 'it has ended')
    const stored = { version: 5, bodies: ann(5).bodies }
    assert.deepEqual(await model.lease(ID, inc, 5), { stored })
    assert.ok(typeof (await model.lease(ID, inc, 6)) === 'object', 'not as new as is asked for')
    await assert.rejects(model.lease(ID, 'x.another', 0), OtherIncarnationError)
  })

  test(`a body of any script’s text comes back byte by byte with the lease’s answer (of ${partitions})`, async (t) => {
    const { model, inc } = await start(t, partitions)
    const bodies = bodiesOf(JSON.stringify({ name: 'Zoë 王小明 \u{1f44b}\ud800 \0' }))
    await model.apply({ ...ann(5), bodies }, inc)
    assert.deepEqual(await model.lease(ID, inc, 0), { stored: { version: 5, bodies } })
  })

  test(`ids that never existed are remembered under a lease (of ${partitions})`, async (t) => {
    const { model, inc, keys } = await start(t, partitions)
    assert.equal(await model.ghost(ID, inc, 'no lease'), false)
    const answer = await model.lease(ID, inc, 0)
    assert.ok(typeof answer === 'object' && 'lease' in answer)
    await assert.rejects(model.ghost(ID, 'x.another', answer.lease), OtherIncarnationError)
    assert.equal(await model.ghost(ID, inc, answer.lease), true)
    assert.deepEqual(await model.read(ID), { version: 0, bodies: NOBODY })
    assert.deepEqual(await stored(raw, keys), { entries: { [ID]: { v: '0', b: '', p: '' } }, sets: {} })
    assert.ok((await raw.pttl(keys.user(ID))) > 0)
    assert.equal(await model.apply(ann(1), inc), true)
    assert.equal(await raw.pttl(keys.user(ID)), -1)
  })

  test(`with its terms, too, nothing is read that another life of Redis holds (of ${partitions})`, async (t) => {
    const { model, inc, keys, client } = await start(t, partitions)
    await model.apply(ann(5), inc)
    await raw.set(keys.of(ID).inc, 'x.another')
    assert.equal(client.incarnation(keys.of(ID).inc), inc, 'nobody has told the client')
    assert.equal(await model.readWithTerms(ID), null)
  })

  test(`a fence goes to every schema that is in use (of ${partitions})`, async (t) => {
    const { client, inc, keys } = await start(t, partitions)
    const other = keysOf(keys.epoch, '999p3')
    const model = userReadModel({ redis: client, keys, schemas: { others: async () => [other] } })
    for (const each of [keys, other]) await raw.hset(each.user(ID), { v: '5', b: 'five', p: 'bare', t: '' })
    assert.equal(await model.fence(ID, 6), true)
    for (const each of [keys, other]) {
      assert.deepEqual({ ...(await raw.hgetall(each.user(ID))) }, { v: '6', t: '' })
      assert.equal(await raw.sismember(each.of(ID).dirty, String(ID)), 1)
    }
    assert.equal(await model.fence(ID, 6), false)
    await model.fenceOthers(ID, 7, [other])
    assert.equal(await raw.hget(keys.user(ID), 'v'), '6')
    assert.equal(await raw.hget(other.user(ID), 'v'), '7')
    assert.equal(await model.fence(ID, 7), true, 'one of them was older')
    assert.equal(await model.apply(ann(7), inc), true)
    await raw.hset(other.user(ID), { v: '3' })
    assert.equal(await model.fence(ID, 7), true, 'another release’s alone')
  })
}

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
    bodies: bodiesOf(`${userId} at ${version}`),
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

for (const partitions of PARTITION_COUNTS)
  test(`whatever the order, versions never go back and nothing older than a fence is served (of ${partitions}, seed ${SEED})`, async (t) => {
    const { client, inc: incarnation } = await start(t)
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const keys = freshKeys(partitions)
        for (const { inc } of keys.partitions) await raw.set(inc, incarnation)
        await Promise.all(keys.partitions.map(({ inc }) => client.refreshIncarnation(inc)))
        const model = userReadModel({ redis: client, keys, schemas: ALONE })
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
            assert.equal(served?.version, version)
            assert.equal(served.bodies !== null, applied === version)
            if (served.bodies !== null) {
              assert.ok(served.version >= fence)
              assert.deepEqual(served.bodies, truthAt(userId, version).bodies)
            }
            const dirty = await raw.sismember(keys.of(userId).dirty, String(userId))
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
