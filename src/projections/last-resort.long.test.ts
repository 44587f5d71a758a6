import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import { LEASE_MS, WRITTEN } from '../../test/contract/feed-rig.ts'
import { connectClient, freshKeys, openTruth, readModelsOf, redisOfFile } from '../../test/support/read-models.ts'
import { startTestRedis, type TestRedis } from '../../test/support/redis.ts'
import { quiet, until } from '../../test/support/service.ts'
import { outboxMark, sqlChanges } from '../adapters/sql/changes.ts'
import { directFeed } from '../adapters/sql/direct-feed.ts'
import { sqlParked } from '../adapters/sql/parked.ts'
import type { Change, Truth } from '../ports.ts'
import { OtherIncarnationError } from './user/store.ts'

const { server } = await redisOfFile()

type Options = { users?: number; url?: string; replace?: (truth: Truth) => Partial<Truth> }

/** The projector over real parts; `replace` says how the truth fails. Whoever there is has been projected. */
async function start(t: TestContext, { users = 8, url = server.url, replace }: Options = {}) {
  const source = await openTruth(t, users)
  const keys = freshKeys()
  const client = await connectClient(t, url, keys)
  const sound = readModelsOf({ client, keys, truth: source.truth })
  await sound.build()
  const models = readModelsOf({ client, keys, truth: { ...source.truth, ...replace?.(source.truth) } })
  const body = async (userId: number) => (await sound.users.readWithTerms(userId))?.bodies.full.toString() ?? null
  return { ...source, ...models.projector, keys, client, sound, body }
}
const userChange = (userId: number): Change => ({
  ...{ changeId: 1, entity: 'user', entityId: String(userId), changedAt: WRITTEN },
})
const ROLES_CHANGE: Change = { changeId: 2, entity: 'role', entityId: '*', changedAt: WRITTEN }
const unreadable = () => Promise.reject(new TypeError('planted'))
const RETITLE = `UPDATE roles SET title = 'Newtitle' WHERE role = 'cashier'`
const RENAME = `UPDATE users SET given_name = 'Newname' WHERE user_id = ?`

/** A truth in which these users' rows can't be read. */
const without =
  (...broken: number[]) =>
  (truth: Truth): Partial<Truth> => ({
    users: (userIds) => (userIds.some((userId) => broken.includes(userId)) ? unreadable() : truth.users(userIds)),
  })

/** Each has people and keys of its own, and waits for the most part. */
describe('what cannot be projected', { concurrency: 4 }, () => {
  test('a user who is given up is shown no more as they were, even if nothing but their version can be read', async (t) => {
    const { giveUp, sql, body, truth, sound } = await start(t, {
      replace: () => ({ users: unreadable, user: unreadable }),
    })
    sql(RENAME, 3)
    assert.doesNotMatch((await body(3)) ?? '', /Newname/)
    await giveUp(userChange(3))
    assert.equal(await body(3), null)
    assert.notEqual(await body(4), null)
    // The fence is at the present version: what is older comes too late.
    const now = await truth.user(3)
    assert.equal(await sound.users.fence(3, now.version), false)
    assert.equal(await sound.users.fence(3, now.version + 1), true)
  })

  test('the catalogue that is given up is read from the database, even if nothing but its version can be read', async (t) => {
    const { giveUp, sql, sound } = await start(t, { replace: () => ({ roles: unreadable }) })
    sql(RETITLE)
    assert.equal((await sound.roles.catalogue()).from, 'redis')
    await giveUp(ROLES_CHANGE)
    const { from, roles } = await sound.roles.catalogue()
    assert.equal(from, 'database')
    assert.ok(roles.some(({ title }) => title === 'Newtitle'))
  })

  test('who never existed, and what is no user’s id, leaves nothing behind', async (t) => {
    const { giveUp, client, keys } = await start(t)
    await giveUp(userChange(999))
    await giveUp({ ...userChange(0), entityId: 'nobody' })
    for (const userId of [999, Number.NaN]) assert.deepEqual(await client.hmget(keys.user(userId), 'v'), [null])
  })

  test('what can’t be fenced is not given up', async (t) => {
    const own = await startTestRedis()
    t.after(own.stop)
    const { giveUp, sql } = await start(t, { url: own.url })
    sql(RENAME, 3)
    await own.stop()
    await assert.rejects(giveUp(userChange(3)))
  })

  test('others go through while somebody else can be projected, all the way', async (t) => {
    const { othersGoThrough, sql, body } = await start(t, { replace: without(1, 2, 4) })
    for (const userId of [3, 5]) sql(RENAME, userId)
    assert.equal(await othersGoThrough([userChange(1), userChange(2)]), true)
    assert.match((await body(3)) ?? '', /Newname/)
    assert.equal(await othersGoThrough([userChange(3), ROLES_CHANGE]), true)
    assert.match((await body(5)) ?? '', /Newname/)
  })

  test('five who fail are enough to say that nobody goes through', async (t) => {
    const asked: number[] = []
    const { othersGoThrough } = await start(t, {
      replace: () => ({
        users: (userIds) => {
          asked.push(...userIds)
          return unreadable()
        },
      }),
    })
    assert.equal(await othersGoThrough([userChange(2)]), false)
    assert.deepEqual(asked, [1, 3, 4, 5, 6])
  })

  test('where there is nobody else, it is the catalogue that shows it', async (t) => {
    const sound = await start(t, { users: 1 })
    assert.equal(await sound.othersGoThrough([userChange(1)]), true)
    assert.equal(await sound.othersGoThrough([userChange(1), ROLES_CHANGE]), false)
    const broken = await start(t, { users: 1, replace: () => ({ roles: unreadable }) })
    assert.equal(await broken.othersGoThrough([userChange(1)]), false)
  })

  /** Ways in which Redis is out of reach, or takes nothing, and how to bring them about. */
  const REDIS_OUT: [what: string, bring: (raw: Redis, own: TestRedis) => unknown][] = [
    ['is gone', (_, own) => own.stop()],
    ['is full', (raw) => raw.config('SET', 'maxmemory', '1')],
    ['has become a replica', (raw) => raw.replicaof('127.0.0.1', 1)],
    ['lacks the replicas it must have', (raw) => raw.config('SET', 'min-replicas-to-write', '1')],
    ['refuses this client', (raw) => raw.acl('SETUSER', 'default', '-evalsha', '-eval', '-hmget')],
    ['has been emptied', (raw) => raw.flushall()],
  ]
  for (const [what, bring] of REDIS_OUT) {
    test(`when Redis ${what}, it is an outage, and nobody goes through`, async (t) => {
      const own = await startTestRedis()
      t.after(own.stop)
      const { handle, isOutage, othersGoThrough, sql } = await start(t, { url: own.url })
      const raw = new Redis(own.url, { protocol: 2, retryStrategy: () => null })
      raw.on('error', () => undefined)
      t.after(() => raw.disconnect())
      await bring(raw, own)
      sql(RENAME, 3)
      sql(RETITLE)
      for (const change of [userChange(3), ROLES_CHANGE]) {
        const error = await handle([change]).then(
          () => null,
          (reason) => reason,
        )
        assert.ok(isOutage(error), `${change.entity}: ${error}`)
      }
      assert.equal(await othersGoThrough([userChange(3)]), false)
    })
  }

  test('the change’s own faults are no outage', async (t) => {
    const { handle, isOutage, othersGoThrough, client, keys, sql } = await start(t)
    await client.del(keys.user(3))
    await client.set(keys.user(3), 'no hash')
    sql(RENAME, 3)
    const wrongType = await handle([userChange(3)]).then(
      () => null,
      (reason) => reason,
    )
    for (const error of [wrongType, new TypeError('x'), new Error('it kept moving'), 'BUSY', null]) {
      assert.equal(isOutage(error), false, String(error))
    }
    assert.equal(await othersGoThrough([userChange(3)]), true)
  })

  test('what other clients and the system say of a lost connection is an outage', async (t) => {
    const { isOutage } = await start(t, { users: 1 })
    const errors = [
      new OtherIncarnationError(),
      Object.assign(new Error('x'), { code: 'ECONNREFUSED' }),
      Object.assign(new Error('x'), { code: 'EPIPE' }),
      ...['CLUSTERDOWN Hash slot not served', 'MOVED 1 127.0.0.1:1', 'TRYAGAIN Multiple keys', 'LOADING Redis'].map(
        (message) => new Error(message),
      ),
      new Error('Reached the max retries per request limit (which is 0). Refer to ...'),
    ]
    for (const error of errors) assert.equal(isOutage(error), true, String(error))
  })

  test('who keeps moving is fenced, which is enough: another change tells of what moved them', async (t) => {
    const moving = [2, 3]
    const { handle, sql, body, sound, truth } = await start(t, {
      replace: (real) => ({
        users: async (userIds) =>
          (await real.users(userIds)).map((user) => ({ ...user, settled: !moving.includes(user.userId) })),
        roles: async () => ({ ...(await real.roles()), settled: false }),
      }),
    })
    for (const userId of [2, 3, 4]) sql(RENAME, userId)
    sql(RETITLE)
    await handle([2, 3, 4].map(userChange).concat(ROLES_CHANGE))
    assert.deepEqual([await body(2), await body(3)], [null, null])
    assert.match((await body(4)) ?? '', /Newname/)
    assert.equal((await sound.roles.catalogue()).from, 'database')
    assert.equal(await sound.users.fence(2, (await truth.user(2)).version), false)
  })

  test('the change of a user who is unreadable among many is not taken for handled, and the others’ are', async (t) => {
    const { handle, isOutage, sql, body } = await start(t, {
      replace: (truth) => ({
        users: async (userIds) =>
          (await truth.users(userIds)).map((user) =>
            user.userId === 3 ? { userId: 3, version: 0, user: null, settled: false, unreadable: true } : user,
          ),
      }),
    })
    for (const userId of [2, 3, 4]) sql(RENAME, userId)
    const error = await handle([2, 3, 4].map(userChange)).then(
      () => null,
      (reason) => reason,
    )
    assert.match(String(error), /cannot be read/)
    assert.equal(isOutage(error), false)
    for (const userId of [2, 4]) assert.match((await body(userId)) ?? '', /Newname/)
  })

  test('a user who can’t be projected: the others are, nothing old is shown of them, and a retry mends it', async (t) => {
    const broken = [3]
    const parts = await start(t, {
      replace: (truth) => ({ users: (userIds) => without(...broken)(truth).users?.(userIds) ?? unreadable() }),
    })
    const { database, truth, sql, body, sound } = parts
    const parked = sqlParked(database)
    const changes = sqlChanges(database, { leaseMs: LEASE_MS })
    const mark = outboxMark(changes, truth)
    const feed = directFeed({ changes, parked, mark, truth, pollMs: 2, leaseMs: LEASE_MS, log: quiet })
    for (let userId = 1; userId <= 8; userId += 1) sql(RENAME, userId)
    const { stop } = feed.subscribe({ ...parts, onMark: async () => undefined, onLost: async () => undefined })
    t.after(stop)
    for (const userId of [1, 2, 4, 5, 6, 7, 8]) {
      await until(`user ${userId} is projected`, async () => /Newname/.test((await body(userId)) ?? ''))
    }
    // As if the tries before the last had been made: their pauses are tested elsewhere.
    await until('it has been tried', async () => {
      const tried = `UPDATE change_claims SET attempts = 5, free_at = '${WRITTEN}' WHERE claim = '-' AND attempts > 0`
      return (await database.execute(tried)) > 0
    })
    await until('it is parked', async () => (await parked.count()) > 0)
    const shown = await sound.views.byId(3)
    assert.equal(shown.from, 'database')
    const [change] = await parked.list(0, 10)
    assert.deepEqual([change?.entityId, change?.attempts], ['3', 6])
    assert.match(change?.error ?? '', /^TypeError at src\/projections\/[\w./-]+:\d+$/)

    broken.pop()
    await parked.retry([change?.changeId ?? 0])
    await until('it is projected', async () => /Newname/.test((await body(3)) ?? ''))
    assert.equal(await parked.count(), 0)
  })
})
