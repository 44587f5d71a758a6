import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  connectClient,
  connectRaw,
  counting,
  freshKeys,
  openTruth,
  readModelsOf,
  redisOfFile,
} from '../../../test/support/read-models.ts'
import { startTestRedis } from '../../../test/support/redis.ts'
import { quiet, until } from '../../../test/support/service.ts'
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts'
import { trackAll } from '../../adapters/redis/tracking.ts'
import type { ShownUser } from '../user/shown.ts'
import { versionFloor } from '../version-floor.ts'
import { MAX_AGE_MS } from './near-cache.ts'
import { nearCaches } from './near-caches.ts'
import { nearReads } from './near-reads.ts'

const USERS = 20

const { server } = await redisOfFile()

/** Everything built, in Redis and near; `url` the way to Redis of those who read. */
async function start(t: TestContext, { port = server.port, admin = server.port } = {}) {
  const keys = freshKeys()
  const { truth, sql } = await openTruth(t, USERS)
  const client = await connectClient(t, `redis://127.0.0.1:${port}`, keys)
  const counted = counting(truth)
  const models = readModelsOf({ client, keys, truth: counted.truth })
  await models.build()
  const raw = connectRaw(t, `redis://127.0.0.1:${admin}`)
  const masters = () => client.masters(keys.beats)
  const invalidations = trackAll({ masters, log: quiet })
  const near = nearCaches({ invalidations, keys, freshness: { isOld: () => false }, maxBytes: 1_000_000 })
  t.after(near.stop)
  const isUp = () => near.users.begin(USERS + 1) !== null
  await until('the near cache is up', async () => isUp())
  const { views, roles } = nearReads({ ...models, near, tagBase: { epoch: keys.epoch, schema: 1 } })
  return { keys, client, raw, models, near, views, roles, sql, truth, isUp, bulkReads: counted.bulkReads }
}
type Started = Awaited<ReturnType<typeof start>>

const sources = (users: (ShownUser | null)[]) => users.map((user) => user?.from)
/** As the workers do after somebody else's write. */
async function change({ sql, models }: Started, userId: number, jobTitle: string): Promise<number> {
  sql('UPDATE users SET job_title = ? WHERE user_id = ?', jobTitle, userId)
  await models.projector.projectUsers([userId])
  return (await models.views.byId(userId)).version
}
const jobTitle = ({ bodies }: ShownUser) => JSON.parse(String(bodies?.full)).jobTitle
/** Because it was told of, and not because of its age. */
async function untilTold(what: string, isGone: () => boolean): Promise<void> {
  const askedAt = performance.now()
  await until(`${what} was told of`, async () => isGone())
  assert.ok(performance.now() - askedAt < MAX_AGE_MS / 2, 'in time')
}
const untilGone = ({ near }: Started, userId: number) =>
  untilTold(`${userId}`, () => near.users.get(userId) === undefined)

test('the second read of a user comes out of this process, and is the same', async (t) => {
  const { views } = await start(t)
  const [first, second] = [await views.byId(3), await views.byId(3)]
  assert.deepEqual(sources([first, second]), ['redis', 'near'])
  assert.deepEqual(second, { ...first, from: 'near' })
})

test('a change is told of, and the next read shows it', async (t) => {
  const started = await start(t)
  await started.views.byId(3)
  const version = await change(started, 3, 'Inspector')
  await untilGone(started, 3)
  const read = await started.views.byId(3)
  assert.deepEqual([read.version, jobTitle(read), read.from], [version, 'Inspector', 'redis'])
  assert.equal((await started.views.byId(3)).from, 'near')
})

test('a fence is a change', async (t) => {
  const started = await start(t)
  const { version } = await started.views.byId(3)
  await started.models.users.fence(3, version + 1)
  await untilGone(started, 3)
  assert.equal((await started.views.byId(3)).from, 'database')
})

test('whoever has been shown a version is shown nothing older here, though nothing has been told yet', async (t) => {
  const { near, keys, models } = await start(t)
  const entry = await models.views.byId(3)
  const newer = { ...entry, version: entry.version + 1, from: 'database' as const }
  const { views } = nearReads({
    views: {
      byId: async (_, minVersion = 0) => (minVersion > entry.version ? newer : entry),
      byIds: async () => [newer],
      byUsername: async () => newer,
    },
    roles: models.roles,
    near,
    floor: versionFloor(),
    tagBase: { epoch: keys.epoch, schema: 1 },
  })
  const showings = [() => views.byId(3, newer.version), () => views.byUsername('as.yet.unseen')]
  for (const show of showings) {
    await views.byId(3)
    assert.equal((await views.byId(3)).from, 'near')
    assert.equal((await show())?.version, newer.version)
    assert.equal(near.users.get(3), undefined)
  }
})

test('what the database said is not kept: nobody would tell of its changes', async (t) => {
  const { near, keys, models } = await start(t)
  // As after a miss, but nobody fills: a fill would be told of, too.
  const fromDatabase = <Read extends object>(read: Read) => ({ ...read, from: 'database' as const })
  const { views, roles } = nearReads({
    views: {
      byId: async (userId) => fromDatabase(await models.views.byId(userId)),
      byIds: async (userIds) => (await models.views.byIds(userIds)).map(fromDatabase),
      byUsername: async () => null,
    },
    roles: { catalogue: async () => fromDatabase(await models.roles.catalogue()) },
    near,
    floor: versionFloor(),
    tagBase: { epoch: keys.epoch, schema: 1 },
  })
  assert.equal((await views.byId(3)).from, 'database')
  assert.deepEqual(sources(await views.byIds([4])), ['database'])
  assert.equal((await roles.catalogue()).from, 'database')
  assert.deepEqual([near.users.get(3), near.users.get(4), near.roles.get('roles')], [undefined, undefined, undefined])
  assert.equal(near.users.size().placeholders, 1, 'the one of isUp')
})

test('who does not exist is not kept', async (t) => {
  const { views, near, models, sql } = await start(t)
  for (const table of ['user_branches', 'user_roles', 'user_limits', 'user_preferences', 'users']) {
    sql(`DELETE FROM ${table} WHERE user_id = 3`)
  }
  await models.projector.projectUsers([3])
  for (let time = 1; time <= 2; time += 1) {
    const { bodies, from } = await views.byId(3)
    assert.deepEqual([bodies, from], [null, 'redis'])
  }
  assert.equal(near.users.get(3), undefined)
})

test('a read that fails leaves no placeholder, and is told', async (t) => {
  const { near, keys, roles } = await start(t)
  const fail = async () => {
    throw new Error('busy')
  }
  const { views, roles: failing } = nearReads({
    views: { byId: fail, byIds: fail, byUsername: fail },
    roles: { catalogue: fail },
    near,
    floor: versionFloor(),
    tagBase: { epoch: keys.epoch, schema: 1 },
  })
  const { placeholders } = near.users.size()
  await assert.rejects(views.byId(3), /busy/)
  await assert.rejects(views.byIds([4, 5]), /busy/)
  await assert.rejects(views.byUsername('x'), /busy/)
  await assert.rejects(failing.catalogue(), /busy/)
  assert.deepEqual([near.users.size().placeholders, near.roles.size().placeholders], [placeholders, 0])
  await roles.catalogue()
})

test('many at once: those who are near from there, the others as one read, in the order asked for', async (t) => {
  const { views, models } = await start(t)
  await views.byId(5)
  await views.byId(7)
  const ids = [9, 5, 999, 7, 2]
  const found = await views.byIds(ids)
  assert.deepEqual(sources(found), ['redis', 'near', 'database', 'near', 'redis'])
  assert.deepEqual(
    found.map(({ userId }) => userId),
    ids,
  )
  const plain = await models.views.byIds(ids)
  assert.deepEqual(
    found.map(({ version, bodies }) => [version, bodies]),
    plain.map(({ version, bodies }) => [version, bodies]),
  )
  assert.deepEqual(sources(await views.byIds([9, 5, 7, 2])), ['near', 'near', 'near', 'near'])
})

test('by username: from Redis, then known by its id, then near; whatever the case', async (t) => {
  const { views, truth } = await start(t)
  const { username = '' } = (await truth.user(3)).user ?? {}
  const found: (ShownUser | null)[] = []
  for (const name of [username, username.toUpperCase(), username]) found.push(await views.byUsername(name))
  assert.deepEqual(sources(found), ['redis', 'redis', 'near'])
  assert.deepEqual(found[2], { ...found[0], from: 'near' })
  assert.equal((await views.byId(3)).from, 'near', 'it is the same entry')
  assert.equal(await views.byUsername('nobody.is.called.so'), null)
})

test('a username that has gone to somebody else: the hint is wrong, and nobody is taken for another', async (t) => {
  const started = await start(t)
  const { views, truth, sql, models } = started
  const { username = '' } = (await truth.user(3)).user ?? {}
  await views.byUsername(username)
  await views.byUsername(username)
  sql('UPDATE users SET username = ? WHERE user_id = 3', 'former.name')
  sql('UPDATE users SET username = ? WHERE user_id = 4', username)
  await models.projector.projectUsers([3, 4])
  await untilGone(started, 3)
  await views.byId(3)
  assert.equal((await views.byId(3)).from, 'near')
  assert.equal((await views.byUsername(username))?.userId, 4, 'though the hint names one who is near')
  assert.equal((await views.byId(3)).userId, 3, 'and it is not kept as theirs')
  assert.equal((await views.byUsername('former.name'))?.userId, 3)
  for (let time = 1; time <= 2; time += 1) assert.equal((await views.byUsername(username))?.userId, 4)
})

test('what is found by a wrong hint is not kept under the wrong id', async (t) => {
  const started = await start(t)
  const { views, truth, sql, models } = started
  const { username = '' } = (await truth.user(3)).user ?? {}
  await views.byUsername(username)
  sql('UPDATE users SET username = ? WHERE user_id = 3', 'former.name')
  sql('UPDATE users SET username = ? WHERE user_id = 4', username)
  await models.projector.projectUsers([3, 4])
  const found = await views.byUsername(username)
  assert.deepEqual([found?.userId, found?.from], [4, 'redis'])
  assert.equal((await views.byId(3)).userId, 3)
})

test('a version that is asked for at least is not given older out of this process', async (t) => {
  const { views } = await start(t)
  const { version } = await views.byId(3)
  assert.equal((await views.byId(3, version)).from, 'near')
  await assert.rejects(views.byId(3, version + 1), { code: 'version-unknown' })
  assert.equal((await views.byId(3)).from, 'near', 'and the one that is held stays')
})

test('the catalogue: near after one read, gone when it is told of, not older than is asked for', async (t) => {
  const { roles, models, sql, near } = await start(t)
  const first = await roles.catalogue()
  assert.deepEqual(await roles.catalogue(), { ...first, from: 'near' })
  await assert.rejects(roles.catalogue(first.version + 1), { code: 'version-unknown' })
  sql('UPDATE roles SET title = ?', 'Changed')
  await models.projector.projectRoles()
  await untilTold('the catalogue', () => near.roles.get('roles') === undefined)
  const second = await roles.catalogue()
  assert.deepEqual([second.version > first.version, second.roles[0]?.title], [true, 'Changed'])
})

test('FLUSHALL: nothing of what was near is given any more', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const { views, roles, near } = await start(t, { port: own.port, admin: own.port })
  await views.byId(3)
  await roles.catalogue()
  await own.flush()
  await untilTold('it', () => near.users.get(3) === undefined && near.roles.get('roles') === undefined)
  assert.equal((await views.byId(3)).from, 'database')
})

test('an invalidation that overtakes the answer: the answer is given, and not kept', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const proxy = await startTcpProxy(t, own.port)
  const started = await start(t, { port: proxy.port, admin: own.port })
  const { views, raw, keys, near } = started
  const { version } = await started.models.views.byId(3)
  // The readers' connection is held up, the pair's are not.
  proxy.silence(/^(?![\s\S]*near-)/)
  const read = views.byId(3)
  await until('Redis has answered', async () => proxy.holds())
  assert.equal(near.users.size().placeholders, 2)
  await raw.hset(keys.user(3), 'v', String(version + 1))
  await until('the change was told of', async () => near.users.size().placeholders === 1)
  proxy.resume()
  const overtaken = await read
  assert.deepEqual([overtaken.version, overtaken.from], [version, 'redis'])
  assert.equal(near.users.get(3), undefined)
  assert.equal((await views.byId(3)).version, version + 1)
})

test('what the database says of a user, or of the roles, is known here before Redis tells', async (t) => {
  const { views, near, roles, models, sql, truth } = await start(t)
  await views.byId(3)
  await roles.catalogue()
  assert.ok(near.users.get(3) && near.roles.get('roles'))
  // Nobody projects, so nothing changes in Redis.
  sql("UPDATE users SET job_title = 'changed' WHERE user_id = 3")
  const { version } = await truth.user(3)
  models.floor.raiseUser(3, version)
  assert.equal(near.users.get(3), undefined)
  const answer = await views.byId(3)
  assert.deepEqual([answer.version, answer.from], [version, 'database'])
  models.floor.raiseRoles((await roles.catalogue()).version + 1)
  assert.equal(near.roles.get('roles'), undefined)
})

test('what is on its way from Redis when the database says something newer is not kept', async (t) => {
  const { views, near, models } = await start(t)
  const read = views.byId(3)
  models.floor.raiseUser(3, 1_000)
  await read
  assert.equal(near.users.get(3), undefined)
})
