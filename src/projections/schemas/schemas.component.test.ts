import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { connectClient, openTruth, readModelsOf, redisOfFile } from '../../../test/support/read-models.ts'
import { quiet, until } from '../../../test/support/service.ts'
import type { RedisClient } from '../../adapters/redis/client.ts'
import { type Keys, keysOf, readModelKeys } from '../keys.ts'
import { schemaRegistry } from './schemas.ts'

const USERS = 12
/** What nobody has used for longer is forgotten: a schema, a database. */
const FORGET_AFTER_S = 120
const FORGET_EPOCH_AFTER_S = 3_600
/** What a busy machine may add while a test runs. */
const SLACK_S = 60

const { server, raw } = await redisOfFile()

let epochs = 0
/** Two releases of one database: another number of partitions is another schema. */
async function start(t: TestContext) {
  await raw.flushall()
  const source = await openTruth(t, USERS)
  epochs += 1
  const epoch = `s${process.pid.toString(36)}x${epochs}`
  const release = async (partitions: number) => {
    const keys = readModelKeys(epoch, partitions)
    const client = await connectClient(t, server.url, keys)
    const models = readModelsOf({ client, keys, truth: source.truth })
    const isBuilt = async () => (await models.guard.check()).length === 0
    return { keys, client, isBuilt, ...models }
  }
  return { ...source, epoch, present: await release(1), other: await release(7), release }
}
type Release = Awaited<ReturnType<Awaited<ReturnType<typeof start>>['release']>>

const nowS = async () => Number((await raw.time())[0])
/** As if no process of this schema had been heard of for so long. */
async function silent({ keys }: Pick<Release, 'keys'>, seconds: number) {
  await raw.hset(keys.schemas, keys.tag, (await nowS()) - seconds)
}
const registered = async ({ schemas }: Keys) => Object.keys(await raw.hgetall(schemas)).sort()
const keysOfRelease = ({ keys }: Pick<Release, 'keys'>) => raw.keys(keys.ownEverywhere)
const RETITLE = `UPDATE users SET job_title = 'Baker' WHERE user_id = ?`

test('a command’s fence is seen by every release in use, whose readers then read anew', async (t) => {
  const { present, other, sql, truth } = await start(t)
  await present.build()
  await other.build()
  for (const { views } of [present, other]) assert.equal((await views.byId(9)).from, 'redis')
  sql(RETITLE, 9)
  const { version } = await truth.user(9)
  assert.equal(await present.users.fence(9, version), true)
  for (const { views } of [present, other]) {
    const found = await views.byId(9)
    assert.deepEqual([found.version, found.from], [version, 'database'])
    await until('it is filled in', async () => (await views.byId(9)).from === 'redis')
    assert.equal((await views.byId(9)).version, version)
  }
  const list = await other.lists.list({ branchId: null, role: null, status: null, q: null }, null, 200)
  assert.deepEqual([list.from, list.users.length], ['redis', USERS])
})

test('a change that one release’s worker handles leaves nothing old standing in the other', async (t) => {
  const { present, other, sql, truth } = await start(t)
  await present.build()
  await other.build()
  sql(RETITLE, 9)
  sql(`UPDATE roles SET title = 'Changed' WHERE role = 'cashier'`)
  const changes = [
    { changeId: 1, entity: 'user' as const, entityId: '9', changedAt: '' },
    { changeId: 2, entity: 'role' as const, entityId: '*', changedAt: '' },
    // Nobody of this id: a fence would be an entry without an end.
    { changeId: 3, entity: 'user' as const, entityId: '4000', changedAt: '' },
  ]
  await present.projector.handle(changes)
  const { version } = await truth.user(9)
  const roles = await truth.roles()
  assert.deepEqual([(await present.views.byId(9)).from, (await present.roles.catalogue()).from], ['redis', 'redis'])
  const [user, catalogue] = [await other.views.byId(9), await other.roles.catalogue()]
  assert.deepEqual([user.version, user.from], [version, 'database'])
  assert.deepEqual([catalogue.version, catalogue.from], [roles.version, 'database'])
  for (const { keys } of [present, other]) assert.equal(await raw.exists(keys.user(4_000)), 0)
})

test('a release is fenced for from the moment that its worker looks, and not before', async (t) => {
  const { present, other } = await start(t)
  await present.build()
  assert.deepEqual(await present.schemas.others(), [])
  assert.equal(await other.schemas.seen(), false)
  assert.deepEqual(await present.schemas.others(), [], 'who only looks registers nothing')
  await other.guard.check()
  assert.deepEqual(
    (await present.schemas.others()).map(({ tag }) => tag),
    [other.keys.tag],
  )
  assert.equal(await other.schemas.seen(), true)
})

test('a schema that was forgotten while its read models lived on is not believed, whoever registers it again', async (t) => {
  const { other, sql } = await start(t)
  await other.build()
  const before = other.client.incarnation(other.keys.home.inc)
  await raw.del(other.keys.schemas)
  // Nobody fences for it now.
  sql(RETITLE, 9)
  // Any process of it may be the first to find out, and may die the next moment.
  assert.equal(await other.schemas.seen(), false)
  await other.schemas.register()
  assert.equal(await other.schemas.seen(), true)
  assert.equal((await other.views.byId(9)).from, 'database')
  assert.equal(await other.isBuilt(), false)
  const begun = other.client.incarnation(other.keys.home.inc)
  assert.ok(begun !== null && begun !== before)
  assert.match(String((await other.views.byId(9)).bodies?.full), /Baker/)
})

test('a process says at once, and goes on saying, that its schema is in use, but does not register it', async (t) => {
  const { present } = await start(t)
  t.mock.timers.enable({ apis: ['setInterval'] })
  const stop = present.schemas.keepSeen()
  t.after(stop)
  await present.client.get('x')
  assert.deepEqual(await registered(present.keys), [])
  await present.schemas.register()
  const isSeen = async () => Number(await raw.hget(present.keys.schemas, present.keys.tag)) > (await nowS()) - 40
  for (let round = 1; round <= 2; round += 1) {
    await silent(present, 50)
    t.mock.timers.tick(10_000)
    await until('it is seen', isSeen)
  }
  stop()
  await silent(present, 50)
  t.mock.timers.tick(60_000)
  await present.client.get('x')
  assert.ok(Number(await raw.hget(present.keys.schemas, present.keys.tag)) <= (await nowS()) - 50)
  t.after(present.schemas.keepSeen())
  await until('it is seen at once', isSeen)
})

const OTHERS_KEYS = ['{usrportal}:x', '{usr42}:cart:7', 'bull:jobs:1', 'usr0:plain']

test('a release that is gone is removed, and nothing else is', async (t) => {
  const { present, other } = await start(t)
  await present.build()
  await other.build()
  for (const key of OTHERS_KEYS) await raw.set(key, 'x')
  const ours = await keysOfRelease(present)
  const left = () => raw.keys('*')
  const all = await left()

  await silent(other, FORGET_AFTER_S - SLACK_S)
  await present.schemas.retire()
  assert.deepEqual((await left()).sort(), all.sort(), 'one that was seen lately stays')

  await silent(other, FORGET_AFTER_S + 2)
  await present.schemas.retire()
  assert.deepEqual(await registered(present.keys), [present.keys.tag])
  assert.deepEqual((await left()).sort(), [...ours, present.keys.schemas, ...OTHERS_KEYS].sort())
  assert.equal((await present.views.byId(9)).from, 'redis')
})

test('one’s own schema is never removed, however long it was not seen', async (t) => {
  const { present } = await start(t)
  await present.build()
  await silent(present, 10 * FORGET_EPOCH_AFTER_S)
  const all = await raw.keys('*')
  await present.schemas.retire()
  assert.deepEqual((await raw.keys('*')).sort(), all.sort())
  // Somebody has deleted what says that it is in use.
  await raw.del(present.keys.schemas)
  await present.schemas.retire()
  assert.deepEqual(
    (await raw.keys('*')).sort(),
    all.filter((key) => key !== present.keys.schemas),
  )
})

test('a release that comes back after it was removed serves nothing old, and is built anew', async (t) => {
  const { present, other, sql } = await start(t)
  await present.build()
  await other.build()
  assert.equal((await other.views.byId(9)).from, 'redis')
  await silent(other, FORGET_AFTER_S + 2)
  await present.schemas.retire()
  sql(RETITLE, 9)
  // Its connection was never lost: only Redis tells it.
  const found = await other.views.byId(9)
  assert.deepEqual([found.from, /Baker/.test(String(found.bodies?.full))], ['database', true])
  assert.equal(await other.isBuilt(), false)
  await other.build()
  assert.match(String((await other.views.byId(9)).bodies?.full), /Baker/)
  assert.deepEqual(await registered(present.keys), [present.keys.tag, other.keys.tag].sort())
})

/** The registry of `release` over a connection on which something happens meanwhile. */
function disturbed({ client, keys }: Release, change: (client: RedisClient) => Partial<RedisClient>) {
  return schemaRegistry({ redis: { ...client, ...change(client) }, keys, log: quiet })
}

test('what makes it believable goes before anything else does', async (t) => {
  const { present, other } = await start(t)
  await present.build()
  await other.build()
  await other.guard.writeMark('2024-05-01 00:00:00.000')
  await silent(other, FORGET_AFTER_S + 2)
  let walks = 0
  const registry = disturbed(present, (client) => ({
    scan: async (...call) => {
      walks += 1
      if (walks === 1) {
        for (const { inc, built, mark } of other.keys.partitions)
          assert.deepEqual(await raw.mget(inc, built, mark), ['removed', null, null])
        assert.equal(await raw.hexists(other.keys.user(9), 'b'), 1)
        assert.equal((await other.views.byId(9)).from, 'database')
      }
      return client.scan(...call)
    },
  }))
  await registry.retire()
  assert.ok(walks > 0)
})

test('a release that comes back just before it is forgotten is not, and begins anew', async (t) => {
  const { present, other } = await start(t)
  await present.build()
  await other.build()
  await silent(other, FORGET_AFTER_S + 2)
  const registry = disturbed(present, (client) => ({
    run: async (script, keys, args) => {
      if (script.name.startsWith('forget')) assert.equal(await other.schemas.seen(), true)
      return client.run(script, keys, args)
    },
  }))
  await registry.retire()
  assert.deepEqual(await registered(present.keys), [present.keys.tag, other.keys.tag].sort())
  assert.equal((await other.views.byId(9)).from, 'database')
  assert.equal(await other.isBuilt(), false)
  await other.build()
  assert.equal((await other.views.byId(9)).from, 'redis')
})

test('a release that comes back while it is being removed keeps all that it has put in since', async (t) => {
  const { present, other } = await start(t)
  await present.build()
  await other.build()
  await silent(other, FORGET_AFTER_S + 2)
  let isBack = false
  const registry = disturbed(present, (client) => ({
    scan: (pattern, visit) =>
      client.scan(pattern, async (found) => {
        if (!isBack) {
          isBack = true
          await other.build()
        }
        await visit(found)
      }),
  }))
  await registry.retire()
  assert.ok(isBack)
  assert.equal(await other.isBuilt(), true)
  const list = await other.lists.list({ branchId: null, role: null, status: null, q: null }, null, 200)
  assert.deepEqual([list.from, list.users.length], ['redis', USERS])
  for (const { from } of await other.views.byIds([1, 5, 9])) assert.equal(from, 'redis')
})

test('copies of other databases go when nobody has used them for an hour, and others’ keys never', async (t) => {
  const { present } = await start(t)
  await present.build()
  for (const key of OTHERS_KEYS) await raw.set(key, 'x')
  const ours = await raw.keys('*')
  const now = await nowS()
  const foreign = (epoch: string, seen: Record<string, number>) => {
    const [one, several] = [keysOf(epoch, '1'), keysOf(epoch, '999p3')]
    const held = [one.user(1), one.home.inc, several.of(5).inc, several.username('ann')]
    return { held, schemas: one.schemas, seen }
  }
  const used = foreign('usedlately', {
    1: now - 10 * FORGET_EPOCH_AFTER_S,
    '999p3': now - FORGET_EPOCH_AFTER_S + SLACK_S,
  })
  const unused = foreign('longunused', { 1: now - FORGET_EPOCH_AFTER_S - 2, '999p3': now - 2 * FORGET_EPOCH_AFTER_S })
  const never = foreign('neverused', {})
  for (const { held, schemas, seen } of [used, unused, never]) {
    for (const key of held) await raw.set(key, 'x')
    if (Object.keys(seen).length > 0) await raw.hset(schemas, seen)
  }
  await present.schemas.retire()
  assert.deepEqual((await raw.keys('*')).sort(), [...ours, ...used.held, used.schemas].sort())
})
