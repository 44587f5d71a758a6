import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deleteExpiredKeys, MARK_PREFIX } from '../../src/adapters/sql/command-keys.ts'
import { databaseNow, later } from '../../src/adapters/sql/database-time.ts'
import { sqlUserStore } from '../../src/adapters/sql/user-store.ts'
import type { UserEvent } from '../../src/domain/events.ts'
import type { User } from '../../src/domain/user.ts'
import { type Idempotency, MAX_STORED_ANSWER_BYTES, type StoredAnswer } from '../../src/ports/idempotency.ts'
import type { Database, UserStore, WriteContext } from '../../src/ports.ts'
import {
  ANY_VERSION,
  AT,
  changingNothing,
  gate,
  holding,
  insertUser,
  numberOf,
  type OpenRig,
  type Owner,
  type Rig,
  roundTrip,
} from './rig.ts'

const SHORT_WAIT_MS = 60
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const TWO_PAGES = 501

const DONE: StoredAnswer = { status: 200, headers: { etag: '"e.1.u.7"', 'cache-control': 'no-store' }, body: '{"a":1}' }
/** As a request that is under way has it. */
const CLAIM = `INSERT INTO command_keys VALUES ('key-1', 'hash-1', '-', '2999-01-01 00:00:00.000')`
const keyed = (more: Partial<Idempotency> = {}): WriteContext => ({
  ...ANY_VERSION,
  idempotency: { key: 'key-1', requestHash: 'hash-1', answer: () => DONE, ...more },
})
const suspended = (userId: number): UserEvent => ({ type: 'user-suspended', userId, at: AT })
const suspend = ({ id, status }: User): UserEvent[] => (status === 'suspended' ? [] : [suspended(id)])
const reinstate = ({ id }: User): UserEvent[] => [{ type: 'user-reinstated', userId: id, at: AT }]
const notAgain = () => assert.fail('nothing is decided for a repeat')

async function openStores(t: Owner, open: OpenRig, options?: { lockWaitMs?: number }) {
  const rig = await open(t, options)
  for (const userId of [1, 2]) await insertUser(rig.database, userId)
  const keeping = { events: false, keysKeptMs: HOUR_MS }
  const users = sqlUserStore(rig.database, keeping)
  return { ...rig, rig, users, replicas: [users, sqlUserStore(rig.other, keeping)] as [UserStore, UserStore] }
}

const keysIn = (database: Database) =>
  numberOf(database, `SELECT COUNT(*) AS n FROM command_keys WHERE command_key NOT LIKE '${MARK_PREFIX}%'`)
const entriesIn = (database: Database) => numberOf(database, 'SELECT COUNT(*) AS n FROM user_audit')

/** As if it had been used so long ago. */
async function age(database: Database, key: string, byMs: number): Promise<void> {
  const at = later(await databaseNow(database, database.dialect), -byMs)
  const aged = await database.execute('UPDATE command_keys SET created_at = ? WHERE command_key = ?', [at, key])
  assert.equal(aged, 1, 'there is such a key')
}

export function commandKeysContract(open: OpenRig): void {
  describe('idempotency keys', () => {
    repeating(open)
    refusing(open)
    concurrent(open)
    expiring(open)
    cleaning(open)
  })
}

function repeating(open: OpenRig): void {
  test('a repeat is given the first one’s answer, whatever it would make itself, and writes nothing', async (t) => {
    const { users, database } = await openStores(t, open)
    const made: object[] = []
    const answer = (written: { userId: number; version: number }) => {
      made.push(written)
      return DONE
    }
    const first = await users.update(1, keyed({ answer }), suspend)
    assert.deepEqual(first, { version: first.version, visible: true })
    assert.deepEqual(made, [{ userId: 1, version: first.version }])
    // Another release makes other answers.
    const other = keyed({ answer: () => ({ ...DONE, body: 'of another release' }) })
    const repeats = await changingNothing(database, async () => [
      await users.update(1, other, notAgain),
      await users.updateWithRoles(1, { ...other, expectedVersions: [] }, notAgain),
    ])
    assert.deepEqual(repeats, new Array(2).fill({ ...first, answer: DONE }))
  })

  test('a command that changes nothing has its answer kept all the same', async (t) => {
    const { users, database } = await openStores(t, open)
    const { version } = await users.update(1, ANY_VERSION, suspend)
    assert.deepEqual(await users.update(1, keyed(), suspend), { version, visible: true })
    await users.update(1, ANY_VERSION, reinstate)
    const again = await changingNothing(database, () => users.update(1, keyed(), notAgain))
    assert.deepEqual(again, { version, visible: true, answer: DONE })
  })

  test('an answer comes back byte for byte, and its headers in their order', async (t) => {
    const { users } = await openStores(t, open)
    const body = `\u0000\t\n\\"'?%\u007f\u0080é–😀\ud800 \u2028 end `
    const headers = { z: '1', a: '"2"', 'content-type': 'application/json; charset=utf-8' }
    await users.update(1, keyed({ answer: () => ({ status: 299, headers, body }) }), suspend)
    const { answer } = await users.update(1, keyed(), notAgain)
    assert.deepEqual(answer, { status: 299, headers, body })
    assert.deepEqual(Object.keys(answer?.headers ?? {}), Object.keys(headers))
  })

  test('without a key each request is a new one; another key is another one', async (t) => {
    const { users, database } = await openStores(t, open)
    await users.update(1, keyed(), suspend)
    for (const context of [ANY_VERSION, keyed({ key: 'key-2' })]) {
      await users.update(1, ANY_VERSION, reinstate)
      assert.equal((await users.update(1, context, suspend)).answer, undefined)
    }
    assert.deepEqual([await keysIn(database), await entriesIn(database)], [2, 5])
  })
}

function refusing(open: OpenRig): void {
  test('a key with another request is refused before anything is decided, and nothing is written', async (t) => {
    const { users, database } = await openStores(t, open)
    await users.update(1, keyed(), suspend)
    const other = keyed({ requestHash: 'hash-2' })
    await changingNothing(database, async () => {
      await assert.rejects(users.update(1, other, notAgain), { code: 'idempotency-key-reused' })
      await assert.rejects(users.update(77, other, notAgain), { code: 'idempotency-key-reused' })
    })
  })

  const failure = new RangeError('no')
  const REFUSED: [what: string, error: object, ask: (users: UserStore) => Promise<unknown>][] = [
    ['a user whom there is not', { code: 'user-not-found' }, (users) => users.update(77, keyed(), suspend)],
    [
      'another version',
      { code: 'version-conflict' },
      (users) => users.update(1, { ...keyed(), expectedVersions: [1] }, suspend),
    ],
    [
      'what decide throws',
      failure,
      (users) =>
        users.update(1, keyed(), () => {
          throw failure
        }),
    ],
    [
      'an answer that cannot be kept',
      { name: 'RangeError' },
      (users) =>
        users.update(1, keyed({ answer: () => ({ ...DONE, body: 'é'.repeat(MAX_STORED_ANSWER_BYTES / 6) }) }), suspend),
    ],
  ]
  for (const [what, error, ask] of REFUSED) {
    test(`${what}: no key is left, and a repeat is carried out`, async (t) => {
      const { users, database } = await openStores(t, open)
      await changingNothing(database, () => assert.rejects(ask(users), error))
      assert.equal((await users.update(1, keyed(), suspend)).answer, undefined)
      assert.deepEqual([await keysIn(database), await entriesIn(database)], [1, 1])
    })
  }

  test('who has waited in vain for a request with the same key is told so', async (t) => {
    const { users, rig, database } = await openStores(t, open, { lockWaitMs: SHORT_WAIT_MS })
    const release = await holding(rig, CLAIM)
    // The embedded database has one writer: which key the other one has nobody can say.
    const code = rig.readersWait ? 'idempotency-key-in-use' : 'busy'
    await assert.rejects(users.update(1, keyed(), suspend), { code })
    await release()
    assert.equal(await entriesIn(database), 0)
  })

  test('who has waited in vain for the user is not', async (t) => {
    const { users, rig, database } = await openStores(t, open, { lockWaitMs: SHORT_WAIT_MS })
    const release = await holding(rig, 'UPDATE users SET status = status WHERE user_id = 1')
    await assert.rejects(users.update(1, keyed(), suspend), { code: 'busy' })
    await release()
    assert.deepEqual([await keysIn(database), await entriesIn(database)], [0, 0])
  })
}

function concurrent(open: OpenRig): void {
  test('many at once, at two replicas: one is carried out, and all others get its answer', async (t) => {
    const { replicas, database } = await openStores(t, open)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => {
        const answer = () => ({ ...DONE, body: `of ${i}` })
        return replicas[i % 2]?.update(1, keyed({ answer }), suspend)
      }),
    )
    const [first, ...more] = answers.filter((one) => one?.answer === undefined)
    assert.ok(first && more.length === 0, 'one of them did it')
    for (const { version, answer } of answers.flatMap((one) => one ?? [])) {
      assert.equal(version, first.version)
      if (answer) assert.equal(answer.body, `of ${answers.indexOf(first)}`)
    }
    assert.deepEqual([await keysIn(database), await entriesIn(database)], [1, 1])
  })

  test('who waits for one that is rolled back does it himself', async (t) => {
    const { users, database, other, after } = await openStores(t, open)
    const [claimed, { passed, open: end }] = [gate(), gate()]
    after(end)
    const lost = other.transaction(async (session) => {
      await session.execute(CLAIM)
      claimed.open()
      await passed
      throw new Error('rolled back')
    })
    await claimed.passed
    const waiting = users.update(1, keyed(), suspend)
    await roundTrip(database)
    assert.equal(await entriesIn(database), 0)
    end()
    await assert.rejects(lost, /rolled back/)
    assert.equal((await waiting).answer, undefined)
    assert.deepEqual([await keysIn(database), await entriesIn(database)], [1, 1])
  })

  test('of two other requests with one key at the same time one is done, and one is refused', async (t) => {
    const { replicas, database } = await openStores(t, open)
    const results = await Promise.allSettled([
      replicas[0].update(1, keyed(), suspend),
      replicas[1].update(2, keyed({ requestHash: 'hash-2' }), suspend),
    ])
    const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
    assert.deepEqual(refused, ['idempotency-key-reused'])
    assert.equal(await entriesIn(database), 1)
  })

  test('two users and two keys, crosswise and at once: nobody waits for the other for ever', async (t) => {
    const { replicas, database } = await openStores(t, open)
    const ask = (i: number) => replicas[i % 2]?.update(1 + (i % 2), keyed({ key: `key-${i % 4 < 2 ? 1 : 2}` }), suspend)
    const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => ask(i)))
    assert.equal(answers.filter((one) => one?.answer === undefined).length, 2)
    assert.equal(await keysIn(database), 2)
  })
}

function expiring(open: OpenRig): void {
  test('by the database’s clock, a key is good for its time, and then as if never used', async (t) => {
    const { users, database } = await openStores(t, open)
    const { version } = await users.update(1, keyed(), suspend)
    await age(database, 'key-1', HOUR_MS - MINUTE_MS)
    assert.deepEqual((await users.update(1, keyed(), notAgain)).answer, DONE)
    await age(database, 'key-1', HOUR_MS + MINUTE_MS)
    const renewed = { ...DONE, body: 'renewed' }
    const another = keyed({ requestHash: 'hash-2', answer: () => renewed })
    const again = await users.update(1, another, reinstate)
    assert.equal(again.answer, undefined)
    assert.ok(again.version > version)
    // It counts from now on, for what it was used for now.
    assert.deepEqual((await users.update(1, another, notAgain)).answer, renewed)
    await assert.rejects(users.update(1, keyed(), notAgain), { code: 'idempotency-key-reused' })
    assert.deepEqual([await keysIn(database), await entriesIn(database)], [1, 2])
  })

  test('an expired key that many show at once is used once', async (t) => {
    const { replicas, database } = await openStores(t, open)
    await replicas[0].update(1, keyed(), suspend)
    await replicas[0].update(1, ANY_VERSION, reinstate)
    await age(database, 'key-1', 2 * HOUR_MS)
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => replicas[i % 2]?.update(1, keyed(), suspend)),
    )
    assert.equal(answers.filter((one) => one?.answer === undefined).length, 1)
    assert.deepEqual([await keysIn(database), await entriesIn(database)], [1, 3])
  })

  test('a command that is refused leaves an expired key as it was', async (t) => {
    const { users, database } = await openStores(t, open)
    await users.update(1, keyed(), suspend)
    await age(database, 'key-1', 2 * HOUR_MS)
    await changingNothing(database, () =>
      assert.rejects(users.update(77, keyed(), suspend), { code: 'user-not-found' }),
    )
  })
}

function cleaning(open: OpenRig): void {
  /** So many keys, all used so long ago. */
  const used = async ({ database }: Rig, keys: string[], agoMs: number) => {
    const at = later(await databaseNow(database, database.dialect), -agoMs)
    await database.transaction(async (session) => {
      for (const key of keys) await session.execute(`INSERT INTO command_keys VALUES (?, 'h', '-', ?)`, [key, at])
    })
  }
  const names = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${prefix}${String(i).padStart(4, '0')}`)

  test('the clean-up deletes what has expired, page after page, and nothing else', async (t) => {
    const { rig, database } = await openStores(t, open)
    await used(rig, [...names('a', TWO_PAGES), 'z'], HOUR_MS + MINUTE_MS)
    const kept = ['b', 'y']
    await used(rig, kept, HOUR_MS - MINUTE_MS)
    // A transaction's own mark has a life of its own.
    await used(rig, [`${MARK_PREFIX}1`], 10 * HOUR_MS)
    assert.equal(await deleteExpiredKeys(database, HOUR_MS), TWO_PAGES + 1)
    const left = await database.query('SELECT command_key FROM command_keys ORDER BY command_key')
    // Where marks are really used there may be more of them.
    const seen = left.map((row) => String(row.command_key)).filter((key) => !/^tx:.{2}/.test(key))
    assert.deepEqual(seen, ['b', `${MARK_PREFIX}1`, 'y'])
    assert.equal(await deleteExpiredKeys(database, HOUR_MS), 0)
  })

  test('the clean-up ends when it is told to', async (t) => {
    const { rig, database } = await openStores(t, open)
    await used(rig, ['a'], 2 * HOUR_MS)
    assert.equal(await deleteExpiredKeys(database, HOUR_MS, AbortSignal.abort()), 0)
    assert.equal(await keysIn(database), 1)
  })

  test('two clean-ups, and commands that take expired keys over, do not disturb each other', async (t) => {
    const { rig, replicas, database, other } = await openStores(t, open)
    const keys = names('k', 6)
    await used(rig, [...keys, ...names('a', 30)], 2 * HOUR_MS)
    const [answers] = await Promise.all([
      Promise.all(keys.map((key, i) => replicas[i % 2]?.update(1 + (i % 2), keyed({ key }), suspend))),
      deleteExpiredKeys(database, HOUR_MS),
      deleteExpiredKeys(other, HOUR_MS),
    ])
    assert.ok(answers.every((one) => one && one.answer === undefined))
    for (const key of keys) assert.deepEqual((await replicas[0].update(1, keyed({ key }), notAgain)).answer, DONE)
    assert.equal(await keysIn(database), keys.length)
  })
}
