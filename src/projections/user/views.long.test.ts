import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  connectClient,
  counting,
  freshKeys,
  ofFile,
  openTruth,
  PARTITION_COUNTS,
  readModelsOf,
  redisOfFile,
} from '../../../test/support/read-models.ts'
import { startTestRedis } from '../../../test/support/redis.ts'
import { until } from '../../../test/support/service.ts'
import { DomainError } from '../../domain/errors.ts'
import type { Truth } from '../../ports.ts'
import type { UserBody } from '../../wire/user.ts'
import type { ShownUser } from './shown.ts'

const USERS = 620

const { server, raw } = await redisOfFile()
const source = await openTruth(ofFile, USERS)

type Options = { url?: string; truth?: Truth; partitions?: number }
async function start(t: TestContext, { url = server.url, truth = source.truth, partitions = 1 }: Options = {}) {
  const keys = freshKeys(partitions)
  const client = await connectClient(t, url, keys)
  const counted = counting(truth)
  const models = readModelsOf({ client, keys, truth: counted.truth })
  const filled = (userId: number) =>
    until(`user ${userId} is filled in`, async () => (await raw.hexists(keys.user(userId), 'b')) === 1)
  return { keys, client, bulkReads: counted.bulkReads, versionReads: counted.versionReads, filled, ...models }
}
const bodyOf = (user: ShownUser | null): UserBody => JSON.parse(user?.bodies?.full.toString() ?? 'null')
const usernameOf = (userId: number) => {
  const [row] = source.query('SELECT username FROM users WHERE user_id = ?', userId)
  return String(row?.username)
}

for (const partitions of PARTITION_COUNTS) {
  test(`a miss is answered by the database and filled in; then Redis answers the same bytes (of ${partitions})`, async (t) => {
    const { begin, views, filled, bulkReads } = await start(t, { partitions })
    await begin()
    const missed = await views.byId(2)
    assert.equal(missed.from, 'database')
    assert.equal(bodyOf(missed).userId, 2)
    await filled(2)
    assert.deepEqual(await views.byId(2), { ...missed, from: 'redis' })
    assert.deepEqual(bulkReads, [[2]])
  })

  test(`a user who never existed is null, and is remembered: asking again costs the database nothing (of ${partitions})`, async (t) => {
    const { begin, views, filled, bulkReads } = await start(t, { partitions })
    await begin()
    const absent = { userId: 4_000, version: 0, bodies: null, from: 'database' as const }
    assert.deepEqual(await views.byId(4_000), absent)
    await filled(4_000)
    assert.deepEqual(await views.byId(4_000), { ...absent, from: 'redis' })
    assert.deepEqual(bulkReads, [[4_000]])
  })

  test(`who is registered after having been asked for is there (of ${partitions})`, async (t) => {
    const own = await openTruth(t, 2)
    const { begin, views, users, filled } = await start(t, { truth: own.truth, partitions })
    await begin()
    await views.byId(3)
    await filled(3)
    own.sql(`INSERT INTO users (user_id, username, given_name, family_name, status, created_at, updated_at)
    VALUES (3, 'new', 'New', 'Comer', 'active', '2024-01-01 00:00:00.000', '2024-01-01 00:00:00.000')`)
    const { version } = await own.truth.user(3)
    assert.equal(await users.fence(3, version), true)
    const found = await views.byId(3)
    assert.deepEqual([found.from, found.version, bodyOf(found).familyName], ['database', version, 'Comer'])
  })

  test(`who is renamed between two reads is not shown under the old name (of ${partitions})`, async (t) => {
    const own = await openTruth(t, 3)
    let renames: [string, number][] = []
    const truth: Truth = {
      ...own.truth,
      async userIdByUsername(name) {
        const holder = await own.truth.userIdByUsername(name)
        for (const [to, userId] of renames.splice(0, 2))
          own.sql('UPDATE users SET username = ? WHERE user_id = ?', to, userId)
        return holder
      },
    }
    const { begin, views } = await start(t, { truth, partitions })
    await begin()
    own.sql("UPDATE users SET username = 'of.many' WHERE user_id = 2")
    renames = [['was.two', 2]]
    assert.equal(await views.byUsername('of.many'), null)
    own.sql("UPDATE users SET username = 'of.many' WHERE user_id = 2")
    renames = [
      ['was.two', 2],
      ['of.many', 3],
    ]
    const passedOn = await views.byUsername('Of.Many')
    assert.deepEqual([passedOn?.userId, bodyOf(passedOn).username], [3, 'of.many'])
    const back = [
      ['x', 3],
      ['of.many', 2],
      ['x', 2],
      ['of.many', 3],
      ['x', 3],
      ['of.many', 2],
    ] as [string, number][]
    renames = back.map(([name, userId], i) => [name === 'x' ? `was.${i}` : name, userId])
    await assert.rejects(views.byUsername('of.many'), { code: 'busy' })
  })

  test(`a deleted user’s tombstone costs the database one read (of ${partitions})`, async (t) => {
    const own = await openTruth(t, 2)
    const { begin, views, filled, bulkReads } = await start(t, { truth: own.truth, partitions })
    await begin()
    for (const table of ['user_branches', 'user_roles', 'user_limits', 'user_preferences', 'users']) {
      own.sql(`DELETE FROM ${table} WHERE user_id = 2`)
    }
    const gone = await views.byId(2)
    assert.equal(gone.bodies, null)
    assert.ok(gone.version > 5)
    await filled(2)
    assert.deepEqual(await views.byId(2), { ...gone, from: 'redis' })
    assert.equal(bulkReads.length, 1)
  })

  test(`a fenced user comes from the database until the truth is as new as the fence (of ${partitions})`, async (t) => {
    const { begin, views, users, filled, keys } = await start(t, { partitions })
    await begin()
    const { version } = await views.byId(3)
    await filled(3)
    await users.fence(3, version + 1)
    assert.equal((await views.byId(3)).from, 'database')
    assert.equal((await views.byId(3)).from, 'database')
    assert.equal(await raw.hexists(keys.user(3), 'b'), 0)
  })

  for (const [what, damage] of Object.entries({
    'one body is missing': (key: string) => raw.hdel(key, 'p'),
    'the other body is missing': (key: string) => raw.hdel(key, 'b'),
    'one body says that there is nobody': (key: string) => raw.hset(key, 'p', ''),
    'the other body says that there is nobody': (key: string) => raw.hset(key, 'b', ''),
  }))
    test(`where ${what}, the user comes from the database, and both are put right (of ${partitions})`, async (t) => {
      const { begin, views, filled, keys } = await start(t, { partitions })
      await begin()
      const right = await views.byId(3)
      await filled(3)
      await damage(keys.user(3))
      assert.deepEqual(await views.byId(3), right)
      await until('it is put right', async () => (await views.byId(3)).from === 'redis')
      assert.deepEqual(await views.byId(3), { ...right, from: 'redis' })
      await damage(keys.user(3))
      const byName = await views.byUsername(usernameOf(3))
      assert.deepEqual(byName, right)
    })

  test(`many users are answered in the order asked for, from Redis and database mixed, duplicates too (of ${partitions})`, async (t) => {
    const { begin, views, filled, bulkReads } = await start(t, { partitions })
    await begin()
    await views.byId(5)
    await filled(5)
    const found = await views.byIds([9, 5, 4_000, 1, 5])
    assert.deepEqual(
      found.map(({ userId, from, bodies }) => [userId, from, bodies === null]),
      [
        [9, 'database', false],
        [5, 'redis', false],
        [4_000, 'database', true],
        [1, 'database', false],
        [5, 'redis', false],
      ],
    )
    assert.deepEqual(
      found.map((user) => bodyOf(user)?.userId),
      [9, 5, undefined, 1, 5],
    )
    assert.deepEqual(bulkReads.flat().sort(), [1, 4_000, 5, 9])
  })

  test(`many are read from the database in bulks of a hundred, each once, whether Redis is believed or not (of ${partitions})`, async (t) => {
    const all = Array.from({ length: USERS }, (_, i) => USERS - i)
    const { begin, views, bulkReads } = await start(t, { partitions })
    for (const believed of [false, true]) {
      if (believed) await begin()
      bulkReads.length = 0
      const users = await views.byIds(all)
      assert.deepEqual(
        users.map(({ userId, from }) => [userId, from]),
        all.map((userId) => [userId, 'database']),
      )
      assert.deepEqual(bulkReads.flat().sort(), [...all].sort())
      assert.ok(bulkReads.every(({ length }) => length <= 100))
    }
  })

  test(`nobody asked for is nobody, without a read (of ${partitions})`, async (t) => {
    const { begin, views, bulkReads } = await start(t, { partitions })
    await begin()
    assert.deepEqual(await views.byIds([]), [])
    assert.equal(bulkReads.length, 0)
  })

  test(`a Redis that may not be believed is not read and not written (of ${partitions})`, async (t) => {
    const { client, views, keys } = await start(t, { partitions })
    // What another life of this Redis left behind.
    await raw.hset(keys.user(2), { v: '999', b: '{"userId":2}', p: '{"userId":2}', t: '' })
    await raw.set(keys.username(usernameOf(2)), '3')
    assert.equal(client.incarnation(keys.of(2).inc), null)
    for (const found of [await views.byId(2), (await views.byIds([2]))[0], await views.byUsername(usernameOf(2))]) {
      assert.equal(found?.from, 'database')
      assert.equal(found?.version, 5)
    }
    assert.equal(await raw.hget(keys.user(2), 'v'), '999')
  })
}

test('without Redis the database answers everything', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const { begin, views, client, keys } = await start(t, { url: own.url })
  await begin()
  await views.byId(2)
  await own.stop()
  const all = [await views.byId(2), ...(await views.byIds([3, 2])), await views.byUsername(usernameOf(2))]
  assert.deepEqual(
    all.map((user) => [user?.userId, user?.from]),
    [2, 3, 2, 2].map((userId) => [userId, 'database']),
  )
  assert.equal(client.incarnation(keys.home.inc), null)
})

test('an entry that cannot be read is no fault of the caller’s', async (t) => {
  const { begin, views, keys } = await start(t)
  await begin()
  await raw.set(keys.user(2), 'not a hash')
  await raw.hset(keys.username(usernameOf(2)), 'not', 'a string')
  assert.equal((await views.byId(2)).from, 'database')
  assert.equal((await views.byUsername(usernameOf(2)))?.userId, 2)
})

test('a username is found whatever its ASCII case, and then through its hint', async (t) => {
  const { begin, views, filled, keys } = await start(t)
  await begin()
  const username = usernameOf(6)
  const missed = await views.byUsername(username.toUpperCase())
  assert.deepEqual([missed?.userId, missed?.from], [6, 'database'])
  await filled(6)
  await until('the hint is written', () => raw.get(keys.username(username)))
  assert.deepEqual(await views.byUsername(username.toUpperCase()), { ...missed, from: 'redis' })
})

test('nobody has an unknown username, and nothing is remembered of it', async (t) => {
  const { begin, views, keys } = await start(t)
  await begin()
  assert.equal(await views.byUsername('nobody.at.all'), null)
  assert.equal(await raw.exists(keys.username('nobody.at.all')), 0)
})

const WRONG_HINTS = [
  { what: 'names a user with another username', hint: '7' },
  { what: 'names a user who is not there', hint: '4000' },
  { what: 'is not a number', hint: 'x' },
]
for (const { what, hint } of WRONG_HINTS) {
  test(`a hint that ${what} asks the database`, async (t) => {
    const { begin, views, filled, keys } = await start(t)
    await begin()
    await views.byIds([7, 8])
    await filled(7)
    await filled(8)
    const username = usernameOf(8)
    await until('the hint is written', () => raw.get(keys.username(username)))
    await raw.set(keys.username(username), hint)
    const found = await views.byUsername(username)
    assert.deepEqual([found?.userId, found?.from], [8, 'database'])
    // The fill mends it.
    await until('the hint is mended', async () => (await raw.get(keys.username(username))) === '8')
  })
}

test('a user who kept moving while read is answered but not stored', async (t) => {
  const truth: Truth = {
    ...source.truth,
    users: async (userIds) => (await source.truth.users(userIds)).map((user) => ({ ...user, settled: false })),
  }
  const { begin, views, client, keys } = await start(t, { truth })
  await begin()
  const scripts = t.mock.method(client, 'run')
  assert.equal((await views.byId(2)).from, 'database')
  assert.equal((await views.byUsername(usernameOf(3)))?.from, 'database')
  // A fill takes two round trips; what the client asks for after them would be answered after it.
  for (let i = 0; i < 4; i += 1) await client.get(keys.home.mark)
  assert.deepEqual([await raw.exists(keys.user(2)), await raw.exists(keys.user(3))], [0, 0])
  const applied = scripts.mock.calls.filter(({ arguments: [{ name }] }) => name.startsWith('apply'))
  assert.deepEqual(applied, [])
})

test('nobody is put in by their name while this Redis is not believed', async (t) => {
  const { views, client } = await start(t)
  const scripts = t.mock.method(client, 'run')
  assert.equal((await views.byUsername(usernameOf(3)))?.from, 'database')
  assert.deepEqual(scripts.mock.calls, [])
})

test('a hit is one reading of Redis, and nothing else, whatever version of it is asked for', async (t) => {
  const { begin, views, filled, client } = await start(t)
  await begin()
  const { version } = await views.byId(2)
  await filled(2)
  const calls = (['readBuffers', 'runForReader', 'run'] as const).map((name) => t.mock.method(client, name))
  assert.equal((await views.byId(2)).from, 'redis')
  assert.equal((await views.byId(2, version)).from, 'redis')
  assert.deepEqual(
    calls.map(({ mock }) => mock.callCount()),
    [2, 0, 0],
  )
})

test('what was read before a flush is not put in after it, and the flush is noticed', async (t) => {
  let flush = async () => undefined as unknown
  const truth: Truth = {
    ...source.truth,
    users: async (userIds) => {
      const found = await source.truth.users(userIds)
      await flush()
      return found
    },
  }
  const { begin, views, client, keys } = await start(t, { truth })
  const before = await begin()
  flush = async () => raw.set(keys.home.inc, before.replace(/^\w+/, 'other'))
  assert.equal((await views.byId(2)).from, 'database')
  await until('the client knows the new incarnation', async () => client.incarnation(keys.home.inc) !== before)
  assert.equal(await raw.exists(keys.user(2)), 0)
})

// What a caller knows of, and what is confirmed while changes wait to be handled.

/** As a program that is not this service: nobody has fenced or projected it yet. */
function retitle(sql: (statement: string, ...params: (string | number)[]) => void, userId: number, title: string) {
  sql('UPDATE users SET job_title = ? WHERE user_id = ?', title, userId)
}
/** A database of its own, and two users in Redis. */
async function startOwn(t: TestContext, partitions: number) {
  const own = await openTruth(t, 4)
  const down = { error: null as Error | null }
  const failing = <Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>) => {
    return (...args: Args): Promise<Answer> => (down.error ? Promise.reject(down.error) : call(...args))
  }
  const { users, versions, userIdByUsername } = own.truth
  /** While it is closed, what was read of users waits to be answered. */
  const gate = { closed: false, waiting: [] as (() => void)[] }
  const gated: Truth['users'] = async (userIds) => {
    const found = await users(userIds)
    if (gate.closed) await new Promise<void>((resolve) => gate.waiting.push(resolve))
    return found
  }
  const truth: Truth = {
    ...own.truth,
    users: failing(gated),
    versions: failing(versions),
    userIdByUsername: failing(userIdByUsername),
  }
  const started = await start(t, { truth, partitions })
  await started.build()
  started.bulkReads.length = 0
  const nameOf = (userId: number) =>
    String(own.query('SELECT username FROM users WHERE user_id = ?', userId)[0]?.username)
  return { ...own, ...started, down, gate, nameOf }
}

for (const partitions of PARTITION_COUNTS) {
  test(`a version that the caller knows of is shown, or the database is asked for it (of ${partitions})`, async (t) => {
    const { views, sql, truth, bulkReads, filled, nameOf } = await startOwn(t, partitions)
    assert.equal((await views.byId(2, 5)).from, 'redis')
    assert.equal((await views.byUsername(nameOf(2), 5))?.from, 'redis')
    assert.deepEqual(bulkReads, [])
    retitle(sql, 2, 'Baker')
    const { version } = await truth.user(2)
    assert.equal((await views.byId(2)).version, 5, 'nobody has told Redis')
    const found = await views.byId(2, version)
    assert.deepEqual([found.version, found.from, bodyOf(found).jobTitle], [version, 'database', 'Baker'])
    await until('Redis has it, too', async () => (await views.byId(2)).version === version)
    assert.equal((await views.byId(2, version)).from, 'redis')
    await filled(2)
  })

  test(`by username, too, a version that the caller knows of is shown (of ${partitions})`, async (t) => {
    const { views, sql, truth, nameOf } = await startOwn(t, partitions)
    retitle(sql, 2, 'Baker')
    const { version } = await truth.user(2)
    assert.equal((await views.byUsername(nameOf(2)))?.version, 5)
    assert.equal((await views.byUsername(nameOf(2), version))?.version, version)
    await until('Redis has it, too', async () => (await views.byUsername(nameOf(2)))?.version === version)
  })

  test(`what the database has said here once is not gone back behind, by id or username (of ${partitions})`, async (t) => {
    const { views, sql, nameOf, users } = await startOwn(t, partitions)
    retitle(sql, 2, 'Baker')
    assert.equal((await views.byId(2)).version, 5, 'nobody has told Redis')
    // As any reader's, a list's, or a command's look at the database.
    const [said] = await views.truths([2])
    const version = said?.version ?? 0
    assert.ok(version > 5)
    assert.equal((await users.read(2))?.version, 5, 'Redis has not been told yet')
    assert.equal((await views.byUsername(nameOf(2)))?.version, version)
    assert.equal((await views.byId(2)).version, version)
    await until('a reader has put it into Redis', async () => (await views.byId(2)).from === 'redis')
    assert.equal((await views.byId(2)).version, version)
  })

  test(`a version that nobody has is unknown, not an older one (of ${partitions})`, async (t) => {
    const { views, nameOf } = await startOwn(t, partitions)
    const unknown = { name: 'DomainError', code: 'version-unknown' }
    await assert.rejects(views.byId(2, 6), unknown)
    await assert.rejects(views.byId(4_000, 1), unknown)
    await assert.rejects(views.byUsername(nameOf(2), 6), unknown)
    assert.equal(await views.byUsername('nobody.at.all', 6), null)
  })

  test(`while changes wait, a hit is confirmed by one read of versions (of ${partitions})`, async (t) => {
    const { views, age, bulkReads, versionReads, nameOf } = await startOwn(t, partitions)
    const before = await views.byId(2)
    assert.deepEqual(versionReads, [], 'not while none wait')
    age.isOld = true
    const all = await Promise.all(Array.from({ length: 50 }, () => views.byId(2)))
    for (const found of all) assert.deepEqual(found, before)
    assert.deepEqual(versionReads, [[2]])
    assert.deepEqual(await views.byUsername(nameOf(2)), before)
    assert.deepEqual(versionReads, [[2], [2]])
    assert.deepEqual(bulkReads, [])
  })

  test(`while changes wait, what another reader had read before is confirmed, too (of ${partitions})`, async (t) => {
    const { views, age, sql, truth, users, gate } = await startOwn(t, partitions)
    age.isOld = true
    retitle(sql, 2, 'Baker')
    await users.fence(2, (await truth.user(2)).version)
    gate.closed = true
    const first = views.byId(2)
    await until('the first has read the database', async () => gate.waiting.length === 1)
    retitle(sql, 2, 'Cook')
    const second = views.byId(2)
    // Travels with the second's read, and is answered after it: by now it waits for what the first brings.
    await users.read(2)
    gate.closed = false
    for (const pass of gate.waiting) pass()
    assert.equal(bodyOf(await first).jobTitle, 'Baker')
    assert.equal(bodyOf(await second).jobTitle, 'Cook')
  })

  test(`while changes wait, what Redis has not been told of comes from the database (of ${partitions})`, async (t) => {
    const { views, age, sql, truth, nameOf } = await startOwn(t, partitions)
    retitle(sql, 2, 'Baker')
    retitle(sql, 3, 'Baker')
    const oldName = nameOf(4)
    sql(`UPDATE users SET username = 'renamed' WHERE user_id = 4`)
    age.isOld = true
    for (const [userId, find] of [
      [2, () => views.byId(2)],
      [3, () => views.byUsername(nameOf(3))],
    ] as const) {
      const found = await find()
      assert.deepEqual([found?.version, found?.from], [(await truth.user(userId)).version, 'database'])
      assert.equal(bodyOf(found).jobTitle, 'Baker')
      // It was put in on the way: next time it only has to be confirmed.
      await until('Redis has it', async () => (await find())?.from === 'redis')
    }
    assert.equal((await views.byUsername('renamed'))?.userId, 4)
    assert.equal(await views.byUsername(oldName), null)
  })

  test(`while changes wait, a name that was given away is its new holder’s (of ${partitions})`, async (t) => {
    const { views, age, sql, nameOf } = await startOwn(t, partitions)
    const name = nameOf(2)
    sql(`UPDATE users SET username = 'moved.on' WHERE user_id = 2`)
    assert.equal((await views.byUsername(name))?.userId, 2, 'nobody has told Redis')
    age.isOld = true
    assert.equal(await views.byUsername(name), null)
    sql('UPDATE users SET username = ? WHERE user_id = 3', name)
    assert.equal((await views.byUsername(name))?.userId, 3)
  })

  test(`with the database gone, hits go on, and while changes wait they are marked (of ${partitions})`, async (t) => {
    const { views, age, down, nameOf } = await startOwn(t, partitions)
    const hit = await views.byId(2)
    for (const code of ['database-unavailable', 'busy'] as const) {
      down.error = new DomainError(code, 'not now')
      age.isOld = false
      assert.deepEqual(await views.byId(2), hit)
      age.isOld = true
      assert.deepEqual(await views.byId(2), { ...hit, stale: true })
      assert.deepEqual(await views.byUsername(nameOf(2)), { ...hit, stale: true })
      await assert.rejects(views.byId(4_000), { code })
      await assert.rejects(views.byUsername('nobody.at.all'), { code })
    }
    down.error = new TypeError('a fault of ours')
    await assert.rejects(views.byId(2), TypeError)
    down.error = null
    assert.deepEqual(await views.byId(2), hit)
  })

  test(`a name that Redis has wrong is found, and Redis is put right (of ${partitions})`, async (t) => {
    const { views, sql, keys, nameOf, users } = await startOwn(t, partitions)
    const oldName = nameOf(2)
    sql(`UPDATE users SET username = 'new.name' WHERE user_id = 2`)
    const found = await views.byUsername('new.name')
    assert.deepEqual([found?.userId, found?.from, bodyOf(found).username], [2, 'database', 'new.name'])
    await until('the hint is written', async () => (await raw.get(keys.username('new.name'))) === '2')
    await until('the old hint is gone', async () => (await raw.get(keys.username(oldName))) === null)
    assert.equal((await users.readWithTerms(2))?.terms?.username, 'new.name')
    assert.equal((await views.byUsername('new.name'))?.from, 'redis')
    assert.equal(await views.byUsername(oldName), null)
  })
}

test('more than may wait for the database are told so at once, and the others are answered', async (t) => {
  const { views, bulkReads } = await start(t)
  const most = 2_000
  const answers = await Promise.allSettled(Array.from({ length: most + 100 }, (_, i) => views.byId(10_000 + i)))
  const refused = answers.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
  assert.equal(refused.length, 100)
  for (const { reason } of refused) assert.equal((reason as DomainError).code, 'busy')
  assert.equal(bulkReads.flat().length, most)
  assert.equal((await views.byId(2)).version, 5)
})

test('no more than eight reads of the database are made at a time', async (t) => {
  let reading = 0
  let most = 0
  const users: Truth['users'] = async (userIds) => {
    reading += 1
    most = Math.max(most, reading)
    const found = await source.truth.users(userIds)
    // Long enough for more to begin, if any might.
    for (let turns = 0; turns < 20; turns += 1) await new Promise((resolve) => setImmediate(resolve))
    reading -= 1
    return found
  }
  const { views } = await start(t, { truth: { ...source.truth, users } })
  await Promise.all(Array.from({ length: 1_900 }, (_, i) => views.byId(10_000 + i)))
  assert.equal(most, 8)
})
