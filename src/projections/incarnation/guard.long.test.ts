import assert from 'node:assert/strict'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  connectClient,
  connectRaw,
  counting,
  freshKeys,
  openTruth,
  PARTITION_COUNTS,
  readModelsOf,
  redisOfFile,
} from '../../../test/support/read-models.ts'
import { redisBinary, startTestRedis } from '../../../test/support/redis.ts'
import { quiet, until } from '../../../test/support/service.ts'
import { startLocalRedis } from '../../adapters/redis/local-server.ts'
import type { Keys, Partition } from '../keys.ts'
import { lua } from '../lua.ts'
import { incarnationGuard } from './guard.ts'
import { isRecorded } from './recorded.ts'

const BEGIN = lua(import.meta.url, 'begin-3')
const SET_IF = lua(import.meta.url, 'set-if-2')
const DROP = lua(import.meta.url, 'drop-n')

const { server, raw } = await redisOfFile()

type Marks = { inc: string | null; built: string | null; mark: string | null }
async function put(keys: Keys, { inc, built, mark }: Marks, partitions = keys.partitions) {
  for (const partition of partitions) {
    if (inc !== null) await raw.set(partition.inc, inc)
    if (built !== null) await raw.set(partition.built, built)
    if (mark !== null) await raw.set(partition.mark, mark)
  }
}
async function marks(partition: Partition, redis = raw): Promise<Marks> {
  const [inc = null, built = null, mark = null] = await redis.mget(partition.inc, partition.built, partition.mark)
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
    what: 'to be emptied: as emptied',
    held: { inc: 'old', built: 'old', mark: 'm' },
    call: ['old', 'emptying'],
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
    assert.deepEqual(await marks(keys.home), left)
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

const DROPS = [
  { what: 'under the incarnation that is being emptied, all go but what is not named', inc: 'now', result: 1 },
  { what: 'under another one nothing goes', inc: 'other', result: 0 },
  { what: 'under none nothing goes', inc: null, result: 0 },
]
for (const { what, inc, result } of DROPS) {
  test(`drop: ${what}`, async () => {
    const keys = freshKeys()
    await put(keys, { inc, built: 'b', mark: 'm' })
    await raw.sadd(keys.home.dirty, '1')
    assert.equal(await raw.eval(DROP.source, 3, keys.home.inc, keys.home.built, keys.home.dirty, 'now'), result)
    assert.deepEqual(await marks(keys.home), { inc, built: result === 1 ? null : 'b', mark: 'm' })
    assert.equal(await raw.exists(keys.home.dirty), 1 - result)
  })
}

test('drop: a worker that was overtaken while it emptied takes nothing of what came after', async () => {
  const keys = freshKeys()
  const { inc, built, mark, dirty } = keys.home
  const begin = (replaced: string, begun: string, how: string) =>
    raw.eval(BEGIN.source, 3, inc, built, mark, replaced, begun, how)
  const drop = (under: string) => raw.eval(DROP.source, 2, inc, dirty, under)
  await put(keys, { inc: 'old', built: null, mark: null })
  assert.equal(await begin('old', 'slow.emptying', 'emptying'), 1)
  // The other takes it for dead, empties, begins; what it is told of now must stay.
  assert.equal(await begin('slow.emptying', 'quick.emptying', 'emptying'), 1)
  assert.equal(await drop('quick.emptying'), 1)
  assert.equal(await begin('quick.emptying', 'new', 'empty'), 1)
  await raw.sadd(dirty, '7')
  assert.equal(await drop('slow.emptying'), 0)
  assert.equal(await begin('slow.emptying', 'late', 'empty'), 0)
  assert.deepEqual(await raw.smembers(dirty), ['7'])
  assert.equal(await raw.get(inc), 'new')
})

/** Workers' parts over a database of so many people, whose schema is registered. */
async function start(t: TestContext, { url = server.url, partitions = 1, users = 12 } = {}) {
  const source = await openTruth(t, users)
  const keys = freshKeys(partitions)
  const { incarnations } = source
  const confirm = isRecorded({ incarnations, keys })
  const worker = async (to = url) => {
    const client = await connectClient(t, to, keys, { confirm })
    const counted = counting(source.truth)
    const models = readModelsOf({ client, keys, truth: counted.truth, incarnations })
    return {
      client,
      bulkReads: counted.bulkReads,
      ...models,
      isBuilt: async () => (await models.guard.check()).length === 0,
    }
  }
  const first = await worker()
  await first.schemas.register()
  return { ...source, keys, worker, ...first }
}

for (const partitions of PARTITION_COUNTS) {
  test(`an empty Redis begins at once, and asks to be built (of ${partitions})`, async (t) => {
    const { guard, client, keys, worker } = await start(t, { partitions })
    assert.equal(client.incarnation(keys.home.inc), null)
    assert.deepEqual(await guard.check(), keys.partitions)
    const second = await worker()
    for (const partition of keys.partitions) {
      const { inc, built, mark } = await marks(partition)
      assert.match(inc ?? '', /^[0-9a-f]{12}\.[0-9a-f]{40}$/)
      assert.ok(inc?.endsWith(`.${client.runId(partition.inc)}`))
      assert.deepEqual([built, mark], [null, null])
      assert.equal(client.incarnation(partition.inc), inc)
      // Another process believes it as soon as it looks.
      assert.equal(second.client.incarnation(partition.inc), inc)
    }
  })

  test(`looking again changes nothing while all is well (of ${partitions})`, async (t) => {
    const { build, keys, bulkReads, isBuilt } = await start(t, { partitions })
    await build()
    const before = await Promise.all(keys.partitions.map((partition) => marks(partition)))
    bulkReads.length = 0
    assert.equal(await isBuilt(), true)
    assert.equal(await isBuilt(), true)
    assert.deepEqual(await Promise.all(keys.partitions.map((partition) => marks(partition))), before)
    for (const { inc, built, mark } of before) assert.deepEqual([built, mark], [inc, null])
    assert.deepEqual(bulkReads, [])
  })

  test(`a Redis that was emptied begins anew: what was read before is refused, and all is to be built (of ${partitions})`, async (t) => {
    const { guard, build, keys, client, users, views } = await start(t, { partitions })
    await build()
    const { inc } = keys.of(2)
    const before = client.incarnation(inc) ?? ''
    for (const { base } of keys.partitions) await raw.del(...(await raw.keys(`${base}*`)))
    // What was read under the old incarnation may come only now.
    const late = { userId: 2, version: 5, bodies: BODIES, terms: null }
    await assert.rejects(users.apply(late, before), { name: 'OtherIncarnationError' })
    assert.deepEqual(await guard.check(), keys.partitions)
    assert.notEqual(client.incarnation(inc), before)
    await assert.rejects(users.apply(late, before), { name: 'OtherIncarnationError' })
    assert.equal((await views.byId(2)).from, 'database')
  })

  test(`built and mark are written under the incarnation that they were found out under only (of ${partitions})`, async (t) => {
    const { guard, begin, keys, client } = await start(t, { partitions })
    await begin()
    const { length } = keys.partitions
    const last = keys.partitions[length - 1] ?? keys.home
    const inc = client.incarnation(last.inc) ?? ''
    await guard.writeMark('2024-05-01 00:00:00.000')
    assert.equal(await guard.markBuilt(last, inc), true)
    assert.deepEqual(await marks(last), { inc, built: inc, mark: '2024-05-01 00:00:00.000' })
    await raw.set(last.inc, 'other.life')
    assert.equal(await guard.markBuilt(last, inc), false)
    await guard.writeMark('2024-05-02 00:00:00.000')
    assert.deepEqual(await marks(last), { inc: 'other.life', built: inc, mark: '2024-05-01 00:00:00.000' })
    await client.refreshIncarnation(last.inc)
    await guard.writeMark('2024-05-03 00:00:00.000')
    assert.equal((await marks(last)).mark, '2024-05-01 00:00:00.000')
    // The others have nothing to do with it.
    const others = keys.partitions.filter((partition) => partition !== last)
    for (const other of others) assert.equal((await marks(other)).mark, '2024-05-03 00:00:00.000')
  })
}

test('what is ahead of the database, under this incarnation, is not to be built again', async (t) => {
  const { guard, begin, keys } = await start(t)
  const inc = await begin()
  await raw.set(keys.home.ahead, 'another.life')
  assert.deepEqual([await guard.check(), await guard.isAhead(keys.home, inc)], [keys.partitions, false])
  await raw.set(keys.home.ahead, inc)
  assert.deepEqual([await guard.check(), await guard.isAhead(keys.home, inc)], [[], true])
})

test('whoever looks registers the schema where nobody knows of it, before anything is read for it', async (t) => {
  const { guard, keys } = await start(t)
  await raw.del(keys.schemas)
  await guard.check()
  assert.deepEqual(await raw.hkeys(keys.schemas), [keys.tag])
})

/** Deletes a user as another program would, which bumps the version. */
function remove(sql: (statement: string, id: number) => void, userId: number) {
  for (const table of ['user_branches', 'user_roles', 'user_limits', 'user_preferences', 'users']) {
    sql(`DELETE FROM ${table} WHERE user_id = ?`, userId)
  }
}
const BODIES = { full: Buffer.from('{}'), bare: Buffer.from('{}') }
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
  assert.equal(await promoted.isBuilt(), true)
  const after = await marks(keys.home, other)
  assert.ok(after.inc?.endsWith(`.${promoted.client.runId(keys.home.inc)}`))
  assert.equal(after.built, after.inc)
  assert.deepEqual(promoted.bulkReads, [[2], [3, 4]])
  const [third, fourth, fifth] = await promoted.views.byIds([3, 4, 5])
  assert.match(String(third?.bodies?.full), /Renamed/)
  assert.equal(fourth?.bodies, null)
  assert.deepEqual([third?.from, fourth?.from, fifth?.from], ['redis', 'redis', 'redis'])
})

test('changes as old as the longest transaction before the mark are replayed; older ones are not', async (t) => {
  const { sql, keys, build, guard, client, bulkReads, users, isBuilt } = await start(t)
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
  assert.equal(await isBuilt(), true)
  assert.deepEqual(bulkReads, [[5]])
  assert.equal((await users.read(6))?.version, 5)
  assert.ok(client.incarnation(keys.home.inc))
})

test('a replay goes on over more users than one page holds, and is one walk for all that have lost something', async (t) => {
  const { keys, users, bulkReads, isBuilt, client } = await start(t, { users: 1_201, partitions: 7 })
  const [first, second, ...others] = keys.partitions as [Partition, Partition, ...Partition[]]
  await put(keys, { inc: 'x.another', built: 'x.another', mark: '2000-01-01 00:00:00.000' })
  assert.equal(await isBuilt(), true)
  assert.deepEqual(
    bulkReads.map(({ length }) => length),
    [500, 500, 201],
  )
  assert.equal((await users.read(1_201))?.version, 5)
  const kept = await Promise.all(others.map((partition) => marks(partition)))
  await put(keys, { inc: 'x.another', built: 'x.another', mark: null }, [first, second])
  bulkReads.length = 0
  assert.equal(await isBuilt(), true)
  assert.deepEqual(
    bulkReads.flat().filter((userId) => ![first, second].includes(keys.of(userId))),
    [],
  )
  assert.ok(bulkReads.flat().length > 300)
  assert.deepEqual(await Promise.all(others.map((partition) => marks(partition))), kept, 'who lost nothing goes on')
  assert.ok(client.incarnation(first.inc))
})

test('partitions that lost something at different times are replayed from the earliest mark', async (t) => {
  const { sql, keys, build, users, isBuilt, projector } = await start(t, { partitions: 7 })
  await build()
  sql(`UPDATE entity_versions SET changed_at = '2020-01-01 00:00:00.000'`)
  const at = (userId: number, time: string) =>
    sql(`UPDATE entity_versions SET changed_at = ? WHERE entity = 'user' AND entity_id = ?`, time, String(userId))
  const lost = [2, 3]
  for (const userId of lost) {
    sql(RENAME, userId)
    await projector.projectUsers([userId])
    await raw.hset(keys.user(userId), { v: '5', b: 'as it was', p: 'as it was' })
  }
  at(2, '2024-05-01 00:00:00.000')
  at(3, '2024-06-01 00:00:00.000')
  await put(keys, { inc: 'x.another', built: 'x.another', mark: '2024-05-01 00:00:00.000' }, [keys.of(2)])
  await put(keys, { inc: 'x.another', built: 'x.another', mark: '2024-06-01 00:00:00.000' }, [keys.of(3)])
  assert.equal(await isBuilt(), true)
  for (const userId of lost) assert.match(String((await users.read(userId))?.bodies?.full), /Renamed/)
})

const USELESS_MARKS = [
  { what: 'without a mark', mark: null },
  { what: 'whose mark is still to come', mark: '2999-01-01 00:00:00.000' },
  { what: 'whose mark is no time', mark: 'now' },
]
for (const [partitions, { what, mark }] of PARTITION_COUNTS.flatMap((count) =>
  USELESS_MARKS.map((useless) => [count, useless] as const),
)) {
  test(`another master ${what} is emptied: nobody knows from when to replay (of ${partitions})`, async (t) => {
    const { keys, guard, build, client } = await start(t, { partitions })
    await build()
    const foreign = freshKeys(partitions)
    await raw.hset(foreign.user(2), { v: '1', b: 'somebody else’s', p: 'somebody else’s' })
    const lost = keys.of(2)
    await raw.sadd(lost.dirty, '2')
    await put(keys, { inc: 'x.another', built: null, mark }, [lost])
    const before = await raw.keys(`*${keys.epoch}*`)
    assert.deepEqual(await guard.check(), [lost])
    const left = await raw.keys(`*${keys.epoch}*`)
    const gone = before.filter((key) => key.startsWith(lost.base) && key !== lost.inc)
    assert.ok(gone.length > 3)
    assert.deepEqual(left.sort(), before.filter((key) => !gone.includes(key)).sort(), 'one partition alone')
    assert.ok(client.incarnation(lost.inc))
    assert.equal(await raw.exists(foreign.user(2)), 1, 'other databases’ keys are not ours to drop here')
  })
}

for (const partitions of PARTITION_COUNTS) {
  test(`two workers at once: one incarnation, believed by both (of ${partitions})`, async (t) => {
    for (const held of [null, 'x.another']) {
      const { keys, client, worker, isBuilt, guard } = await start(t, { partitions })
      await put(keys, { inc: held, built: held, mark: held && '2024-05-01 00:00:00.000' })
      const second = await worker()
      // Who comes second may find what it was doing refused, or being done; it looks again, as workers do all day.
      await Promise.allSettled([guard.check(), second.guard.check()])
      await until('both believe', async () => {
        const answers = [await isBuilt(), await second.isBuilt()]
        assert.deepEqual(new Set([...answers, held !== null]).size, 1)
        return keys.partitions.every(
          ({ inc }) => client.incarnation(inc) !== null && client.incarnation(inc) === second.client.incarnation(inc),
        )
      })
      for (const partition of keys.partitions) {
        const { inc, built } = await marks(partition)
        assert.equal(client.incarnation(partition.inc), inc)
        assert.equal(built, held && inc)
      }
    }
  })
}

test('what is unbuilt stays unbuilt through a failover', async (t) => {
  const { keys, begin, isBuilt } = await start(t)
  await begin()
  await put(keys, { inc: 'x.another', built: null, mark: '2024-05-01 00:00:00.000' })
  assert.equal(await isBuilt(), false)
})

test('a mark that is lost alone does no harm while the incarnation stands, and the next one is written', async (t) => {
  const { keys, build, guard, isBuilt, client } = await start(t)
  const inc = await build()
  await guard.writeMark('2024-05-01 00:00:00.000')
  await raw.del(keys.home.mark)
  assert.equal(await isBuilt(), true)
  assert.equal(client.incarnation(keys.home.inc), inc)
  await guard.writeMark('2024-05-02 00:00:00.000')
  assert.equal((await marks(keys.home)).mark, '2024-05-02 00:00:00.000')
})

test('an incarnation that is lost alone empties: what was done without it is not known', async (t) => {
  const { keys, build, guard, isBuilt } = await start(t)
  const before = await build()
  await guard.writeMark('2024-05-01 00:00:00.000')
  await raw.del(keys.home.inc)
  assert.equal(await isBuilt(), false)
  const { inc, built, mark } = await marks(keys.home)
  assert.notEqual(inc, before)
  assert.deepEqual([built, mark], [null, null])
  assert.equal(await raw.exists(keys.user(2)), 0)
})

test('an emptying that another worker is at is left to it, and taken over when it has not ended', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_700_000_000_000 })
  const { keys, guard, client } = await start(t)
  await put(keys, { inc: 'another.emptying', built: null, mark: null })
  await raw.hset(keys.user(2), { v: '1', b: 'left over', p: 'left over' })
  for (let look = 0; look < 3; look += 1) {
    await guard.check()
    t.mock.timers.tick(9_000)
    assert.equal((await marks(keys.home)).inc, 'another.emptying')
  }
  // One that goes on is left to go on.
  await raw.set(keys.home.inc, 'a.third.emptying')
  t.mock.timers.tick(9_000)
  await guard.check()
  assert.equal((await marks(keys.home)).inc, 'a.third.emptying')
  t.mock.timers.tick(30_000)
  await guard.check()
  assert.notEqual(client.incarnation(keys.home.inc), null)
  assert.equal(await raw.exists(keys.user(2)), 0)
})

test('one’s own emptying that was broken off is begun again at once', async (t) => {
  const { keys, client, isBuilt, truth, projector, schemas, incarnations } = await start(t)
  await put(keys, { inc: 'x.another', built: null, mark: null })
  let breaks = true
  const breaking = {
    ...client,
    scan: async (...call: Parameters<typeof client.scan>) => {
      if (breaks) throw new Error('the connection closed')
      return client.scan(...call)
    },
  }
  const guard = incarnationGuard({
    redis: breaking,
    keys,
    truth,
    projector,
    schemas,
    incarnations,
    longestTransactionMs: 0,
    log: quiet,
  })
  await assert.rejects(guard.check(), /closed/)
  assert.match((await marks(keys.home)).inc ?? '', /emptying$/)
  assert.equal(await isBuilt(), false)
  assert.equal(client.incarnation(keys.home.inc), null, 'another worker leaves it alone')
  breaks = false
  await guard.check()
  assert.notEqual(client.incarnation(keys.home.inc), null)
})

test('while it is emptied nobody believes it, nothing can be put in, and what a command fences then is not missed', async (t) => {
  const { keys, build, client, truth, projector, schemas, incarnations, users, views, sql } = await start(t)
  await build()
  const before = client.incarnation(keys.home.inc) ?? ''
  await put(keys, { inc: 'x.another', built: null, mark: null })
  let during = async () => undefined as unknown
  const slow = {
    ...client,
    scan: (pattern: string, visit: (found: string[]) => Promise<unknown>) =>
      client.scan(pattern, async (found) => {
        await during()
        await visit(found)
      }),
  }
  let version = 0
  during = async () => {
    during = async () => undefined
    assert.equal(client.incarnation(keys.home.inc), null)
    await assert.rejects(users.apply({ userId: 2, version: 99, bodies: BODIES, terms: null }, before))
    await assert.rejects(projector.projectUsers([2]), { name: 'OtherIncarnationError' })
    sql(RENAME, 2)
    version = (await truth.user(2)).version
    assert.equal(await users.fence(2, version), true)
    assert.deepEqual([(await views.byId(2)).version, (await views.byId(2)).from], [version, 'database'])
  }
  const guard = incarnationGuard({
    redis: slow,
    keys,
    truth,
    projector,
    schemas,
    incarnations,
    longestTransactionMs: 0,
    log: quiet,
  })
  await guard.check()
  assert.ok(version > 5)
  assert.equal((await views.byId(2)).version, version)
  await until('it is filled in', async () => (await views.byId(2)).from === 'redis')
  assert.equal((await views.byId(2)).version, version)
})

test('a server that becomes the replica of another master behind an open connection is noticed, by readers themselves', async (t) => {
  const [own, other] = [await startTestRedis(), await startTestRedis()]
  t.after(() => Promise.all([own.stop(), other.stop()]))
  const { keys, build, client, views, users, roles, query } = await start(t, { url: own.url })
  await build()
  const name = String(query('SELECT username FROM users WHERE user_id = 2')[0]?.username)
  const readers = [() => views.byId(2), () => views.byUsername(name), () => roles.catalogue()]
  for (const read of readers) assert.equal((await read())?.from, 'redis')
  // The other master has an older life of the same people.
  const [here, there] = [connectRaw(t, own.url), connectRaw(t, other.url)]
  for (const key of await here.keys('*')) {
    const bytes = await here.dumpBuffer(key)
    await there.restore(key, 0, bytes as Buffer)
  }
  await there.set(keys.home.inc, `old.${/^run_id:(\w+)/m.exec(await there.info('server'))?.[1]}`)
  await there.hset(keys.user(2), { v: '1', b: '{"old":true}', p: '{"old":true}' })
  await there.hset(keys.roles, { v: '1', b: '[]' })
  const clientId = /id=(\d+)[^\n]*cmd=(?!client)/.exec(String(await here.client('LIST')))?.[1]
  await here.config('SET', 'repl-diskless-sync-delay', '0')
  await there.config('SET', 'repl-diskless-sync-delay', '0')
  await here.replicaof('127.0.0.1', other.port)
  await until('it holds the other’s data', async () => (await here.hget(keys.user(2), 'v')) === '1')
  assert.ok(String(await here.client('LIST')).includes(`id=${clientId} `), 'the connection is still the same')
  // Each by itself must see it, whoever comes first: nobody has told the client.
  for (const read of readers) assert.equal((await read())?.from, 'database')
  assert.equal(await users.readWithTerms(2), null)
  await until('it is noticed', async () => client.incarnation(keys.home.inc) === null)
})

test('a Redis restarted from an old snapshot is not believed until what it forgot has been replayed', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'users-service-snapshot-'))
  t.after(() => rm(dir, { recursive: true, force: true }))
  const options = { binary: redisBinary(), dir, persist: true, stopLimitMs: 2_000 }
  const first = await startLocalRedis(options)
  t.after(() => first.stop())
  const { keys, sql, guard, client, build, projector, views, truth, isBuilt } = await start(t, { url: first.url })
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
  assert.equal(await isBuilt(), true)
  assert.notEqual(client.incarnation(keys.home.inc), before)
  const replayed = await views.byId(3)
  assert.deepEqual([replayed.from, replayed.version], ['redis', version])
})

test('without Redis the look fails, and changes nothing', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const { guard } = await start(t, { url: own.url })
  await own.stop()
  await assert.rejects(guard.check())
})
