import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import {
  connectClient,
  counting,
  freshKeys,
  openTruth,
  PARTITION_COUNTS,
  readModelsOf,
  redisOfFile,
  type TestTruth,
} from '../../../test/support/read-models.ts'
import { startTestRedis } from '../../../test/support/redis.ts'
import { DomainError } from '../../domain/errors.ts'
import { searchName } from '../../domain/names.ts'
import type { User } from '../../domain/user.ts'
import type { ListFilter } from './user-lists.ts'

const SEED = 20_240_601
const RUNS = 25
const USERS = 60
const MAX_PAGES = 200
const ALL: ListFilter = { branchId: null, role: null, status: null, q: null }

const { server, raw } = await redisOfFile()

/** A database of its own, `users` made-up people of three branches, and read models that are built unless said. */
async function start(t: TestContext, { users = USERS, built = true, url = server.url, partitions = 1 } = {}) {
  const source = await openTruth(t, users)
  spread(source, users)
  const keys = freshKeys(partitions)
  const client = await connectClient(t, url, keys)
  const counted = counting(source.truth)
  const models = readModelsOf({ client, keys, truth: counted.truth })
  const incarnation = built ? await models.build() : await models.begin()
  counted.bulkReads.length = 0
  return { ...source, keys, client, incarnation, countedTruth: counted.truth, bulkReads: counted.bulkReads, ...models }
}
type Started = Awaited<ReturnType<typeof start>>

/** Puts everybody at one or two of three branches, suspends and renames some: every list is long enough to be paged. */
function spread({ sql }: TestTruth, users: number) {
  sql('BEGIN')
  sql(`UPDATE users SET status = 'suspended' WHERE user_id % 11 = 0`)
  sql(`UPDATE users SET family_name = 'Nowak' WHERE user_id % 4 = 0`)
  sql(`UPDATE users SET family_name = 'Ńovák' WHERE user_id % 8 = 1`)
  sql(`UPDATE users SET family_name = 'Wójcik' WHERE user_id % 4 = 2`)
  sql('DELETE FROM user_branches')
  sql('UPDATE users SET home_branch_id = NULL')
  for (let id = 1; id <= users; id += 1) {
    sql('INSERT INTO user_branches (user_id, branch_id) VALUES (?, ?)', id, `R${id % 3}`)
    if (id % 5 === 0) sql('INSERT INTO user_branches (user_id, branch_id) VALUES (?, ?)', id, `R${(id + 1) % 3}`)
  }
  sql('COMMIT')
}

async function everybodyInTruth({ truth, query }: Started): Promise<User[]> {
  const ids = query('SELECT user_id FROM users ORDER BY user_id').map((row) => Number(row.user_id))
  const found = ids.length === 0 ? [] : await truth.users(ids)
  return found.flatMap(({ user }) => (user ? [user] : []))
}

/** What a list must show: told by the rows, without any index. */
async function expected(started: Started, { branchId, role, status, q }: ListFilter): Promise<number[]> {
  const users = (await everybodyInTruth(started)).filter(
    (user) =>
      (branchId === null || user.branches.includes(branchId)) &&
      (role === null || user.roles.some((grant) => grant.role === role)) &&
      (status === null || user.status === status) &&
      (q === null || nameOf(user).startsWith(q)),
  )
  if (q !== null) users.sort((a, b) => compareBytes(nameOf(a), nameOf(b)) || a.id - b.id)
  return users.map(({ id }) => id)
}
/** As Redis sorts: by code points, not by UTF-16 code units. */
const compareBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const nameOf = (user: User) => searchName(user.familyName, user.givenName)

async function walk({ lists }: Pick<Started, 'lists'>, filter: ListFilter, limit: number, between = async () => {}) {
  const ids: number[] = []
  const from = new Set<string>()
  let after: string | null = null
  for (let n = 0; n < MAX_PAGES; n += 1) {
    const slice: Awaited<ReturnType<typeof lists.list>> = await lists.list(filter, after, limit)
    assert.ok(slice.users.length <= limit)
    ids.push(...slice.users.map(({ userId }) => userId))
    from.add(slice.from)
    if (slice.next === null) return { ids, from: [...from] }
    after = slice.next
    await between()
  }
  throw new Error('the list does not end')
}

const REASONS = {
  unbuilt: /being built/,
  redis: /Redis, .* cannot be read/,
  feed: /^Changes wait to be handled/,
  dirty: /^Too many users wait/,
  ahead: /Redis is ahead of the database/,
  lost: /was lost while it was read/,
}
/** Refused, and told why. */
async function searchWaits(lists: Started['lists'], message: RegExp): Promise<void> {
  await assert.rejects(lists.list({ ...ALL, q: 'n' }, null, 5), { code: 'search-unavailable', message })
}

const WALKS: { what: string; filter: Partial<ListFilter>; from: string }[] = [
  { what: 'everybody', filter: {}, from: 'redis' },
  { what: 'a roster', filter: { branchId: 'R1', status: 'active' }, from: 'redis' },
  { what: 'an unknown branch’s roster', filter: { branchId: 'NONE', status: 'active' }, from: 'redis' },
  { what: 'a branch with everybody who was there', filter: { branchId: 'R1' }, from: 'database' },
  { what: 'a role', filter: { role: 'cashier' }, from: 'database' },
  {
    what: 'a role at a branch, active',
    filter: { branchId: 'R1', role: 'cashier', status: 'active' },
    from: 'database',
  },
  { what: 'a status', filter: { status: 'suspended' }, from: 'database' },
  { what: 'whoever is active', filter: { status: 'active' }, from: 'database' },
  { what: 'a name', filter: { q: 'n' }, from: 'redis' },
  { what: 'a name and a role', filter: { q: 'n', role: 'cashier' }, from: 'redis' },
  { what: 'a name, a branch and a status', filter: { q: 'w', branchId: 'R1', status: 'active' }, from: 'redis' },
  { what: 'a name that nobody has', filter: { q: 'qqqq' }, from: 'redis' },
]
for (const partitions of PARTITION_COUNTS) {
  test(`every list, in pages of any size, shows exactly whom the rows say, in order (of ${partitions})`, async (t) => {
    const started = await start(t, { partitions })
    for (const { what, filter, from } of WALKS) {
      const wanted = await expected(started, { ...ALL, ...filter })
      for (const limit of [1, 2, 7, USERS - 1, USERS, 200]) {
        const walked = await walk(started, { ...ALL, ...filter }, limit)
        assert.deepEqual(walked, { ids: wanted, from: [from] }, `${what}, ${limit} a page`)
      }
    }
  })
}

test('what the walks above compare with is not empty', async (t) => {
  const started = await start(t)
  for (const { what, filter } of WALKS) {
    const { length } = await expected(started, { ...ALL, ...filter })
    assert.equal(length > 0, !/unknown|nobody/.test(what), what)
  }
})

for (const partitions of PARTITION_COUNTS) {
  test(`the last page has no next, also when it is full (of ${partitions})`, async (t) => {
    const { lists } = await start(t, { users: 4, partitions })
    assert.equal((await lists.list(ALL, null, 4)).next, null)
    const half = await lists.list(ALL, null, 2)
    assert.equal(half.next, '2')
    assert.equal((await lists.list(ALL, half.next, 2)).next, null)
    assert.deepEqual(await lists.list(ALL, '4', 2), { users: [], next: null, from: 'redis' })
  })
}

for (const { after, what } of [
  { after: 'x', what: 'text' },
  { after: '-1', what: 'a negative number' },
  { after: '1.5', what: 'a fraction' },
  { after: '9'.repeat(30), what: 'a number too large' },
]) {
  test(`a cursor that somebody made up (${what}) goes on nowhere`, async (t) => {
    const { lists } = await start(t, { users: 4 })
    assert.deepEqual((await lists.list(ALL, after, 2)).users, [])
    assert.deepEqual((await lists.list({ ...ALL, status: 'active' }, after, 2)).users, [])
  })
}

for (const partitions of PARTITION_COUNTS) {
  test(`a made-up cursor does not lead a search out of the names asked for (of ${partitions})`, async (t) => {
    const started = await start(t, { partitions })
    const filter = { ...ALL, q: 'n' }
    const wanted = await expected(started, filter)
    for (const after of ['', 'a', 'm\0', 'z', 'n\u{10ffff}', '\u{10ffff}']) {
      const ids = (await started.lists.list(filter, after, 200)).users.map(({ userId }) => userId)
      assert.deepEqual(ids, after < 'n' ? wanted : [], JSON.stringify(after))
    }
  })
}

for (const partitions of PARTITION_COUNTS) {
  test(`names are found folded, in whatever script, and sorted by code point (of ${partitions})`, async (t) => {
    const started = await start(t, { users: 6, partitions })
    const names = [
      [1, 'Ångström', 'Zoë'],
      [2, 'ANGSTROM', 'Ann'],
      [3, 'Angst', 'Bo'],
      [4, '王', '小明'],
      [5, '\u{1d306}', 'x'],
      [6, '\ufffd', 'x'],
    ] as const
    for (const [id, family, given] of names) {
      started.sql('UPDATE users SET family_name = ?, given_name = ? WHERE user_id = ?', family, given, id)
    }
    await started.projector.projectUsers([1, 2, 3, 4, 5, 6])
    const search = async (q: string) => (await walk(started, { ...ALL, q }, 1)).ids
    assert.deepEqual(await search('angs'), [3, 2, 1])
    assert.deepEqual(await search('ÅNGSTRÖM'), [2, 1])
    assert.deepEqual(await search('  angstrom   zoe'), [1])
    assert.deepEqual(await search('王'), [4])
    assert.deepEqual(await search('angstrom zoex'), [])
    // U+FFFD stands before U+1D306, though its UTF-16 code unit is the higher one.
    const inOrder = [3, 2, 1, 4, 6, 5]
    assert.deepEqual(await search(''), inOrder)
    for (const userId of [5, 6]) await started.users.fence(userId, 999)
    assert.deepEqual(await search(''), inOrder, 'also where fenced users are put in')
  })
}

for (const partitions of PARTITION_COUNTS) {
  test(`before a build lists come from the database, and a search says that it must wait (of ${partitions})`, async (t) => {
    const started = await start(t, { built: false, partitions })
    for (const filter of [ALL, { ...ALL, branchId: 'R1', status: 'active' as const }, { ...ALL, role: 'cashier' }]) {
      assert.deepEqual(await walk(started, filter, 7), { ids: await expected(started, filter), from: ['database'] })
    }
    await searchWaits(started.lists, REASONS.unbuilt)
  })
}

test('without Redis lists come from the database, also in the middle of a walk', async (t) => {
  const own = await startTestRedis()
  t.after(() => own.stop())
  const started = await start(t, { url: own.url })
  const wanted = await expected(started, ALL)
  let pages = 0
  const walked = await walk(started, ALL, 7, async () => {
    pages += 1
    if (pages === 3) await own.stop()
  })
  assert.deepEqual(walked, { ids: wanted, from: ['redis', 'database'] })
  await searchWaits(started.lists, REASONS.redis)
})

test('an index built under another incarnation is not used, and the new one is noticed', async (t) => {
  const { lists, keys, incarnation, client } = await start(t)
  const other = incarnation.replace(/^\w+/, 'other')
  await raw.set(keys.home.inc, other)
  await raw.set(keys.home.built, other)
  assert.equal((await lists.list(ALL, null, 5)).from, 'database')
  assert.equal(client.incarnation(keys.home.inc), other)
  assert.equal((await lists.list(ALL, null, 5)).from, 'redis')
})

test('while Redis is ahead of the database a search is told so, and not that anybody builds', async (t) => {
  const { lists, keys, incarnation } = await start(t)
  await raw.del(keys.home.built)
  await raw.set(keys.home.ahead, incarnation)
  await searchWaits(lists, REASONS.ahead)
})

test('an index that is lost under a search is named as that', async (t) => {
  const { lists, keys, client } = await start(t)
  const zrangeByLex = client.zrangeByLex
  t.mock.method(client, 'zrangeByLex', async (...args: Parameters<typeof zrangeByLex>) => {
    await raw.del(keys.home.built)
    return zrangeByLex(...args)
  })
  await searchWaits(lists, REASONS.lost)
})

test('a database that cannot say where a fenced user stands is no fault of the index', async (t) => {
  const started = await start(t)
  await started.users.fence(3, 999)
  t.mock.method(started.countedTruth, 'users', async () => {
    throw new DomainError('database-unavailable', 'gone')
  })
  await assert.rejects(started.lists.list({ ...ALL, q: 'n' }, null, 5), { code: 'database-unavailable' })
})

test('one partition that cannot be believed, or is not built, is enough not to use the index', async (t) => {
  const { lists, keys, client } = await start(t, { partitions: 7 })
  const { inc, built } = keys.of(3)
  const value = String(await raw.get(built))
  await raw.del(built)
  assert.equal((await lists.list(ALL, null, 5)).from, 'database')
  await raw.set(built, value)
  assert.equal((await lists.list(ALL, null, 5)).from, 'redis')
  await raw.del(inc)
  await client.refreshIncarnation(inc)
  assert.equal((await lists.list(ALL, null, 5)).from, 'database')
  await searchWaits(lists, REASONS.unbuilt)
})

test('while changes wait to be handled lists come from the database, and a search says that it must wait', async (t) => {
  const started = await start(t)
  insert(started, 61, 'Nova')
  started.age.isOld = true
  const walked = await walk(started, ALL, 50)
  assert.deepEqual(walked, { ids: await expected(started, ALL), from: ['database'] })
  assert.ok(walked.ids.includes(61))
  await searchWaits(started.lists, REASONS.feed)
  started.age.isOld = false
  assert.equal((await started.lists.list(ALL, null, 5)).from, 'redis')
})

for (const partitions of PARTITION_COUNTS) {
  test(`users who were fenced but not projected are taken from the truth, wherever they stand now (of ${partitions})`, async (t) => {
    const started = await start(t, { partitions })
    const { sql, users } = started
    // Joins a roster, leaves one, is renamed, is suspended, is deleted, is new: committed and fenced, not projected.
    sql(`INSERT INTO user_branches (user_id, branch_id) VALUES (3, 'R1')`)
    sql(`DELETE FROM user_branches WHERE user_id = 4`)
    sql(`UPDATE users SET family_name = 'Nnew' WHERE user_id = 5`)
    sql(`UPDATE users SET status = 'suspended' WHERE user_id = 7`)
    remove(started, 10)
    insert(started, 61, 'Nova')
    sql(`INSERT INTO user_branches (user_id, branch_id) VALUES (61, 'R1')`)
    for (const userId of [3, 4, 5, 7, 10, 61]) {
      const { version } = await started.truth.user(userId)
      assert.equal(await users.fence(userId, version), true)
    }
    for (const { what, filter } of WALKS.filter(({ from }) => from === 'redis')) {
      const wanted = await expected(started, { ...ALL, ...filter })
      for (const limit of [1, 4, 200]) {
        const walked = await walk(started, { ...ALL, ...filter }, limit)
        assert.deepEqual(walked, { ids: wanted, from: ['redis'] }, `${what}, ${limit} a page`)
      }
    }
  })
}

for (const partitions of PARTITION_COUNTS) {
  test(`lists that are asked for at once read those users together, within the bounds of all readers (of ${partitions})`, async (t) => {
    const { lists, keys, bulkReads } = await start(t, { partitions })
    const dirty = [3, 4, 5, 7, 10]
    for (const userId of dirty) await raw.sadd(keys.of(userId).dirty, userId)
    const slices = await Promise.all(Array.from({ length: 100 }, () => lists.list(ALL, null, 5)))
    for (const { from } of slices) assert.equal(from, 'redis')
    assert.ok(bulkReads.length < 10, `${bulkReads.length} reads`)
    assert.deepEqual(
      bulkReads[0]?.toSorted((a, b) => a - b),
      dirty,
    )
  })

  test(`more fenced users than can be corrected: the database answers, and searches wait (of ${partitions})`, async (t) => {
    const { lists, keys } = await start(t, { users: 4, partitions })
    const many = Array.from({ length: 500 }, (_, i) => String(1_000 + i))
    for (const userId of many) await raw.sadd(keys.of(Number(userId)).dirty, userId)
    assert.equal((await lists.list(ALL, null, 5)).from, 'redis')
    await raw.sadd(keys.of(999).dirty, '999')
    assert.equal((await lists.list(ALL, null, 5)).from, 'database')
    await searchWaits(lists, REASONS.dirty)
  })
}

for (const partitions of PARTITION_COUNTS) {
  test(`a search whose filters let few through looks at so many a page, and goes on where it stopped (of ${partitions})`, async (t) => {
    const started = await start(t, { users: 1_500, built: false, partitions })
    started.sql(`UPDATE users SET family_name = 'Same', given_name = 'Name'`)
    started.sql(`UPDATE users SET status = CASE WHEN user_id IN (1, 1499) THEN 'suspended' ELSE 'active' END`)
    await started.build()
    const filter = { ...ALL, q: 'same', status: 'suspended' as const }
    const first = await started.lists.list(filter, null, 10)
    assert.deepEqual(
      first.users.map(({ userId }) => userId),
      [1],
    )
    assert.notEqual(first.next, null, 'given short, but not the end')
    assert.deepEqual((await walk(started, filter, 10)).ids, [1, 1499])
  })
}

for (const partitions of PARTITION_COUNTS) {
  test(`a page of a built index reads nothing from the database (of ${partitions})`, async (t) => {
    const { lists, bulkReads } = await start(t, { partitions })
    await lists.list(ALL, null, 20)
    await lists.list({ ...ALL, q: 'n' }, null, 20)
    assert.deepEqual(bulkReads, [])
  })
}

function insert({ sql }: Pick<Started, 'sql'>, userId: number, family: string) {
  sql(
    `INSERT INTO users (user_id, username, given_name, family_name, status, created_at, updated_at)
     VALUES (?, ?, 'Given', ?, 'active', '2024-01-01 00:00:00.000', '2024-01-01 00:00:00.000')`,
    userId,
    `inserted.${userId}`,
    family,
  )
}
function remove({ sql }: Pick<Started, 'sql'>, userId: number) {
  for (const table of ['user_branches', 'user_roles', 'user_limits', 'user_preferences', 'users']) {
    sql(`DELETE FROM ${table} WHERE user_id = ?`, userId)
  }
}

type Edit = { kind: 'insert' | 'remove' | 'rename' | 'move'; userId: number; projected: boolean }
const edit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('insert', 'remove', 'rename', 'move'),
  userId: fc.integer({ min: 1, max: 90 }),
  projected: fc.boolean(),
})

for (const partitions of PARTITION_COUNTS) {
  test(`who stays is walked over exactly once, whatever is written between the pages (of ${partitions}, seed ${SEED})`, async (t) => {
    const started = await start(t, { partitions })
    const { sql, query, users, projector, truth } = started
    const exists = (userId: number) => query('SELECT user_id FROM users WHERE user_id = ?', userId).length > 0
    const touched = new Set<number>()
    const write = async ({ kind, userId, projected }: Edit) => {
      if (kind === 'insert' && !exists(userId)) insert(started, userId, 'Nowak')
      else if (!exists(userId)) return
      else if (kind === 'remove') remove(started, userId)
      else if (kind === 'rename') sql(`UPDATE users SET family_name = family_name || 'x' WHERE user_id = ?`, userId)
      else
        sql(
          `UPDATE users SET status = CASE status WHEN 'active' THEN 'suspended' ELSE 'active' END WHERE user_id = ?`,
          userId,
        )
      touched.add(userId)
      await users.fence(userId, (await truth.user(userId)).version)
      if (projected) await projector.projectUsers([userId])
    }
    const filters = [
      ALL,
      { ...ALL, branchId: 'R1', status: 'active' as const },
      { ...ALL, q: 'n' },
      { ...ALL, role: 'cashier' },
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...filters),
        fc.integer({ min: 1, max: 20 }),
        fc.array(edit, { minLength: 1, maxLength: 20 }),
        async (filter, limit, edits) => {
          touched.clear()
          const before = await expected(started, filter)
          const pending = [...edits]
          const { ids } = await walk(started, filter, limit, async () => {
            for (const next of pending.splice(0, 2)) await write(next)
          })
          const after = await expected(started, filter)
          const untouched = (list: number[]) => list.filter((userId) => !touched.has(userId))
          assert.deepEqual(untouched(ids), untouched(before))
          assert.deepEqual(untouched(ids), untouched(after))
          // Lists by id show nobody twice; a search may, when somebody is renamed ahead of the walk.
          if (filter.q === null) assert.equal(new Set(ids).size, ids.length)
        },
      ),
      { seed: SEED, numRuns: RUNS },
    )
  })
}
