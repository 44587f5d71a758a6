import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { Redis } from 'ioredis'
import {
  connectClient,
  connectRaw,
  counting,
  freshKeys,
  openTruth,
  readModelsOf,
} from '../../../test/support/read-models.ts'
import { redisBinary, startTestRedis, type TestRedis } from '../../../test/support/redis.ts'
import { until } from '../../../test/support/service.ts'
import { startLocalRedis } from '../../adapters/redis/local-server.ts'
import type { Keys } from '../keys.ts'
import { lua } from '../lua.ts'

const BEGIN = lua(import.meta.url, 'begin-3')
const SET_IF = lua(import.meta.url, 'set-if-2')

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

type Marks = { inc: string | null; built: string | null; mark: string | null }
async function put(keys: Keys, { inc, built, mark }: Marks) {
  if (inc !== null) await raw.set(keys.home.inc, inc)
  if (built !== null) await raw.set(keys.home.built, built)
  if (mark !== null) await raw.set(keys.home.mark, mark)
}
async function marks(keys: Keys, redis = raw): Promise<Marks> {
  const [inc = null, built = null, mark = null] = await redis.mget(keys.home.inc, keys.home.built, keys.home.mark)
  return { inc, built, mark }
}

const BEGINS: { what: string; held: Marks; call: [replaced: string, how: string]; result: number; left: Marks }[] = [
  {
    what: 'an empty Redis begins, and nothing counts as built',
    held: { inc: null, built: null, mark: null },
    call: ['', 'empty'],
    result: 1,
    left: { inc: 'new', built: null, mark: null },
  },
  {
    what: 'marks that outlived their incarnation go with it',
    held: { inc: null, built: 'old', mark: 'm' },
    call: ['', 'empty'],
    result: 1,
    left: { inc: 'new', built: null, mark: null },
  },
  {
    what: 'what was built and has been replayed stays built, and the mark stays',
    held: { inc: 'old', built: 'old', mark: 'm' },
    call: ['old', 'replayed'],
    result: 1,
    left: { inc: 'new', built: 'new', mark: 'm' },
  },
  {
    what: 'what was half built is not built by a replay',
    held: { inc: 'old', built: 'older', mark: 'm' },
    call: ['old', 'replayed'],
    result: 1,
    left: { inc: 'new', built: null, mark: 'm' },
  },
  {
    what: 'emptied on purpose: nothing counts as built, from no mark on',
    held: { inc: 'old', built: 'old', mark: 'm' },
    call: ['old', 'empty'],
    result: 1,
    left: { inc: 'new', built: null, mark: null },
  },
  {
    what: 'who comes second changes nothing',
    held: { inc: 'first', built: 'first', mark: 'm' },
    call: ['old', 'empty'],
    result: 0,
    left: { inc: 'first', built: 'first', mark: 'm' },
  },
  {
    what: 'who thought that there was none comes second too',
    held: { inc: 'first', built: null, mark: null },
    call: ['', 'empty'],
    result: 0,
    left: { inc: 'first', built: null, mark: null },
  },
  {
    what: 'what was to be replaced is gone',
    held: { inc: null, built: null, mark: null },
    call: ['old', 'replayed'],
    result: 0,
    left: { inc: null, built: null, mark: null },
  },
]
for (const { what, held, call, result, left } of BEGINS) {
  test(`begin: ${what}`, async () => {
    const keys = freshKeys()
    await put(keys, held)
    const answer = await raw.eval(
      BEGIN.source,
      3,
      keys.home.inc,
      keys.home.built,
      keys.home.mark,
      call[0],
      'new',
      call[1],
    )
    assert.equal(answer, result)
    assert.deepEqual(await marks(keys), left)
  })
}

for (const { what, inc, result, left } of [
  { what: 'under the same incarnation it is written', inc: 'now', result: 1, left: 'value' },
  { what: 'under another one it is not', inc: 'other', result: 0, left: 'before' },
  { what: 'under none it is not', inc: null, result: 0, left: 'before' },
]) {
  test(`set-if: ${what}`, async () => {
    const keys = freshKeys()
    await put(keys, { inc, built: null, mark: 'before' })
    assert.equal(await raw.eval(SET_IF.source, 2, keys.home.mark, keys.home.inc, 'value', 'now'), result)
    assert.equal(await raw.get(keys.home.mark), left)
  })
}

/** A worker's parts over a database of 12 people. */
async function start(t: TestContext, url = server.url) {
  const source = await openTruth(t, 12)
  const keys = freshKeys()
  const worker = async (to = url) => {
    const client = await connectClient(t, to, keys)
    const counted = counting(source.truth)
    return { client, bulkReads: counted.bulkReads, ...readModelsOf({ client, keys, truth: counted.truth }) }
  }
  return { ...source, keys, worker, ...(await worker()) }
}

test('an empty Redis begins at once, and asks to be built', async (t) => {
  const { guard, client, keys, worker } = await start(t)
  assert.equal(client.incarnation(keys.home.inc), null)
  assert.equal(await guard.check(), false)
  const { inc, built, mark } = await marks(keys)
  assert.match(inc ?? '', /^[0-9a-f]{12}\.[0-9a-f]{40}$/)
  assert.ok(inc?.endsWith(`.${client.runId(keys.home.inc)}`))
  assert.deepEqual([built, mark], [null, null])
  assert.equal(client.incarnation(keys.home.inc), inc)
  // Another process believes it as soon as it looks.
  assert.equal((await worker()).client.incarnation(keys.home.inc), inc)
})

test('looking again changes nothing while all is well', async (t) => {
  const { guard, build, keys, bulkReads } = await start(t)
  const inc = await build()
  bulkReads.length = 0
  assert.equal(await guard.check(), true)
  assert.equal(await guard.check(), true)
  assert.deepEqual(await marks(keys), { inc, built: inc, mark: null })
  assert.deepEqual(bulkReads, [])
})

test('a Redis that was emptied begins anew: what was read before is refused, and all is to be built', async (t) => {
  const { guard, build, keys, client, users, views } = await start(t)
  const before = await build()
  await raw.del(...(await raw.keys(`${keys.home.inc.slice(0, -'inc'.length)}*`)))
  // What was read under the old incarnation may come only now.
  const late = { userId: 2, version: 5, body: Buffer.from('{}'), terms: null }
  await assert.rejects(users.apply(late, before), { name: 'OtherIncarnationError' })
  assert.equal(await guard.check(), false)
  assert.notEqual(client.incarnation(keys.home.inc), before)
  await assert.rejects(users.apply(late, before), { name: 'OtherIncarnationError' })
  assert.equal((await views.byId(2)).from, 'database')
})

test('built and mark are written under the incarnation that they were found out under only', async (t) => {
  const { guard, begin, keys, client } = await start(t)
  const inc = await begin()
  await guard.writeMark('2024-05-01 00:00:00.000')
  assert.equal(await guard.markBuilt(inc), true)
  assert.deepEqual(await marks(keys), { inc, built: inc, mark: '2024-05-01 00:00:00.000' })
  await raw.set(keys.home.inc, 'other.life')
  assert.equal(await guard.markBuilt(inc), false)
  await guard.writeMark('2024-05-02 00:00:00.000')
  assert.deepEqual(await marks(keys), { inc: 'other.life', built: inc, mark: '2024-05-01 00:00:00.000' })
  await client.refreshIncarnation(keys.home.inc)
  await guard.writeMark('2024-05-03 00:00:00.000')
  assert.equal(await raw.get(keys.home.mark), '2024-05-01 00:00:00.000')
})

/** Deletes a user as another program would, which bumps the version. */
function remove(sql: (statement: string, id: number) => void, userId: number) {
  for (const table of ['user_branches', 'user_roles', 'user_limits', 'user_preferences', 'users']) {
    sql(`DELETE FROM ${table} WHERE user_id = ?`, userId)
  }
}
const RENAME = `UPDATE users SET family_name = 'Renamed' WHERE user_id = ?`

test('another master replays what changed since the mark, and stays built', async (t) => {
  const { sql, truth, keys, build, guard, worker } = await start(t)
  const before = await build()
  // Long ago for all but those who change now, so that it shows who is replayed.
  sql(`UPDATE entity_versions SET changed_at = '2020-01-01 00:00:00.000'`)
  await guard.writeMark(await truth.now())
  sql(RENAME, 3)
  remove(sql, 4)

  const replica = await startTestRedis()
  t.after(() => replica.stop())
  const other = connectRaw(t, replica.url)
  await raw.config('SET', 'repl-diskless-sync-delay', '0')
  await other.replicaof('127.0.0.1', server.port)
  await until('the replica holds it all', async () => (await other.get(keys.home.built)) === before)
  await other.replicaof('NO', 'ONE')

  const promoted = await worker(replica.url)
  assert.equal(promoted.client.incarnation(keys.home.inc), null, 'not believed before the replay')
  assert.equal((await promoted.views.byId(2)).from, 'database')
  assert.equal(await promoted.guard.check(), true)
  const after = await marks(keys, other)
  assert.ok(after.inc?.endsWith(`.${promoted.client.runId(keys.home.inc)}`))
  assert.equal(after.built, after.inc)
  assert.deepEqual(promoted.bulkReads, [[2], [3, 4]])
  const [third, fourth, fifth] = await promoted.views.byIds([3, 4, 5])
  assert.match(String(third?.body), /Renamed/)
  assert.equal(fourth?.body, null)
  assert.deepEqual([third?.from, fourth?.from, fifth?.from], ['redis', 'redis', 'redis'])
})

test('changes as old as the longest transaction before the mark are replayed; older ones are not', async (t) => {
  const { sql, keys, build, guard, client, bulkReads, users } = await start(t)
  await build()
  const at = (userId: number, time: string) =>
    sql(`UPDATE entity_versions SET changed_at = ? WHERE entity = 'user' AND entity_id = ?`, time, String(userId))
  for (let userId = 1; userId <= 12; userId += 1) at(userId, '2020-01-01 00:00:00.000')
  // Ten minutes before the mark, across midnight.
  at(5, '2024-04-30 23:55:00.000')
  at(6, '2024-04-30 23:54:59.999')
  await guard.writeMark('2024-05-01 00:05:00.000')
  await raw.set(keys.home.inc, 'x.another')
  await raw.set(keys.home.built, 'x.another')
  bulkReads.length = 0
  assert.equal(await guard.check(), true)
  assert.deepEqual(bulkReads, [[5]])
  assert.equal((await users.read(6))?.version, 5)
  assert.ok(client.incarnation(keys.home.inc))
})

test('a replay goes on over more users than one page holds', async (t) => {
  const source = await openTruth(t, 1_201)
  const keys = freshKeys()
  const client = await connectClient(t, server.url, keys)
  const counted = counting(source.truth)
  const { guard, users } = readModelsOf({ client, keys, truth: counted.truth })
  await put(keys, { inc: 'x.another', built: 'x.another', mark: '2000-01-01 00:00:00.000' })
  assert.equal(await guard.check(), true)
  assert.deepEqual(
    counted.bulkReads.map(({ length }) => length),
    [500, 500, 201],
  )
  assert.ok(await users.read(1_201))
})

test('another master without a mark is emptied: nobody knows from when to replay', async (t) => {
  const { keys, guard, build, client } = await start(t)
  await build()
  const foreign = freshKeys()
  await raw.hset(foreign.user(1), { v: '1', b: 'somebody else’s' })
  await raw.set(keys.home.inc, 'x.another')
  assert.equal(await guard.check(), false)
  const left = await raw.keys(`${keys.home.inc.slice(0, -'inc'.length)}*`)
  assert.deepEqual(left, [keys.home.inc])
  assert.ok(client.incarnation(keys.home.inc))
  assert.equal(await raw.exists(foreign.user(1)), 1, 'other databases’ keys are not ours to drop here')
})

test('what is unbuilt stays unbuilt through a failover', async (t) => {
  const { keys, guard, begin } = await start(t)
  await begin()
  await put(keys, { inc: 'x.another', built: null, mark: '2024-05-01 00:00:00.000' })
  assert.equal(await guard.check(), false)
})

test('two workers at once: one incarnation, believed by both', async (t) => {
  for (const held of [null, 'x.another']) {
    const { keys, guard, client, worker } = await start(t)
    await put(keys, { inc: held, built: held, mark: held && '2024-05-01 00:00:00.000' })
    const second = await worker()
    // Who comes second may find what it was doing refused; it looks again, as workers do all day.
    await Promise.allSettled([guard.check(), second.guard.check()])
    assert.equal(await guard.check(), held !== null)
    assert.equal(await second.guard.check(), held !== null)
    const { inc, built } = await marks(keys)
    assert.ok(inc)
    assert.equal(client.incarnation(keys.home.inc), inc)
    assert.equal(second.client.incarnation(keys.home.inc), inc)
    assert.equal(built, held && inc)
  }
})

test('a Redis restarted from an old snapshot is not believed until what it forgot has been replayed', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-snapshot-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const options = { binary: redisBinary(), dir, persist: true, stopLimitMs: 2_000 }
  const first = await startLocalRedis(options)
  t.after(() => first.stop())
  const { keys, sql, guard, client, build, projector, views, truth } = await start(t, first.url)
  const before = await build()
  await guard.writeMark(await truth.now())
  const snapshot = connectRaw(t, first.url)
  await snapshot.save()
  await copyFile(join(dir, 'dump.rdb'), join(dir, 'old.rdb'))

  // After the snapshot: a change that was projected, and its outbox row is long gone.
  sql(RENAME, 3)
  await projector.projectUsers([3])
  const { version } = await views.byId(3)
  await first.stop()
  await until('the client has noticed', async () => client.incarnation(keys.home.inc) === null)
  await copyFile(join(dir, 'old.rdb'), join(dir, 'dump.rdb'))
  const second = await startLocalRedis({ ...options, port: first.port })
  t.after(() => second.stop())

  await until('the client is connected again', async () => client.isReady())
  const stale = await client.hmget(keys.user(3), 'v')
  assert.ok(Number(stale[0]) < version, 'Redis has forgotten the change')
  const shown = await views.byId(3)
  assert.deepEqual([shown.from, shown.version], ['database', version])
  assert.equal(await client.refreshIncarnation(keys.home.inc), null)
  assert.equal(await guard.check(), true)
  assert.notEqual(client.incarnation(keys.home.inc), before)
  const replayed = await views.byId(3)
  assert.deepEqual([replayed.from, replayed.version], ['redis', version])
})

test('without Redis the look fails, and changes nothing', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const { guard } = await start(t, own.url)
  await own.stop()
  await assert.rejects(guard.check())
})

test('keys of other databases are dropped, of this one’s other schemas not', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const { keys, guard, build } = await start(t, own.url)
  const here = connectRaw(t, own.url)
  await build()
  const ours = (await here.keys('*')).sort()
  const otherSchema = keys.user(1).replace(`${keys.tag}:`, `${keys.epoch}.999:`)
  const foreign = freshKeys()
  await here.mset(otherSchema, 'x', foreign.user(1), 'x', foreign.username('ann'), 'x', foreign.inc, 'x')
  await here.set('bull:jobs:1', 'not ours at all')
  await guard.dropOtherEpochs()
  assert.deepEqual((await here.keys('*')).sort(), [...ours, otherSchema, 'bull:jobs:1'].sort())
})
