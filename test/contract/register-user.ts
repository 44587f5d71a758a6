import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sqlUserStore } from '../../src/adapters/sql/user-store.ts'
import type { Details } from '../../src/domain/user.ts'
import type { Idempotency } from '../../src/ports/idempotency.ts'
import type { UserStore } from '../../src/ports.ts'
import { AT, BY, changingNothing, insertUser, numberOf, type OpenRig, truthOf } from './rig.ts'

const DETAILS: Details = {
  username: 'Ann.Lee',
  employeeNumber: 'E7',
  givenName: 'Ann',
  familyName: 'Lee',
  email: 'ann@example.com',
  phone: null,
  jobTitle: 'Cashier',
}
const KEY: Idempotency = {
  key: 'key-1',
  requestHash: 'hash-1',
  answer: ({ userId, version }) => ({ status: 201, headers: {}, body: `${userId} ${version}` }),
}

function register(users: UserStore, details: Partial<Details> = {}, key: Idempotency | null = null) {
  const event = (userId: number) => ({
    type: 'user-registered' as const,
    userId,
    at: AT,
    details: { ...DETAILS, ...details },
    homeBranchId: 'B1',
  })
  return users.register(event, BY, key)
}

export function registerContract(open: OpenRig): void {
  describe('registering', () => {
    test('a user, the home branch and the audit entry are written together', async (t) => {
      const rig = await open(t)
      const answer = await register(sqlUserStore(rig.database))
      const { userId, version } = answer
      assert.deepEqual(answer, { userId, version, visible: true })
      const { user, settled } = await truthOf(rig).user(userId)
      assert.ok(settled)
      assert.deepEqual(
        { ...user, preferences: { ...user?.preferences } },
        {
          ...DETAILS,
          id: userId,
          status: 'active',
          homeBranchId: 'B1',
          branches: ['B1'],
          roles: [],
          limits: {},
          preferences: {},
          createdAt: AT,
          updatedAt: AT,
          version,
        },
      )
      const audit = await rig.database.query('SELECT entity, entity_id, event_type, event, actor FROM user_audit')
      assert.equal(audit.length, 1)
      const { event, ...entry } = audit[0] ?? {}
      assert.deepEqual(entry, {
        entity: 'user',
        entity_id: String(userId),
        event_type: 'user-registered',
        actor: BY.name,
      })
      assert.equal(JSON.parse(String(event)).userId, userId)
    })

    test('without a home branch there is no assignment', async (t) => {
      const rig = await open(t)
      const { userId } = await sqlUserStore(rig.database).register(
        (id) => ({ type: 'user-registered', userId: id, at: AT, details: DETAILS, homeBranchId: null }),
        BY,
        null,
      )
      const { user } = await truthOf(rig).user(userId)
      assert.deepEqual([user?.homeBranchId, user?.branches], [null, []])
    })

    test('a taken username is refused in whatever case; nothing is written, and the key may be used again', async (t) => {
      const { database } = await open(t)
      const users = sqlUserStore(database)
      await insertUser(database, 1, 'ANN.lee')
      await changingNothing(database, () =>
        assert.rejects(register(users, {}, KEY), { code: 'username-taken', field: '/username' }),
      )
      assert.ok((await register(users, { username: 'ann.lee2' }, KEY)).userId > 1)
    })

    test('a username that a rename leaves is free, and the one that it takes is taken', async (t) => {
      const { database } = await open(t)
      const users = sqlUserStore(database)
      const { userId } = await register(users, { username: 'Ann' })
      await database.execute(`UPDATE users SET username = 'Bea', job_title = 'Baker' WHERE user_id = ?`, [userId])
      assert.ok((await register(users, { username: 'ann' })).userId > userId)
      await assert.rejects(register(users, { username: 'bea' }), { code: 'username-taken', field: '/username' })
    })

    test('a repeated key answers the first one’s user, and writes nothing', async (t) => {
      const { database } = await open(t)
      const users = sqlUserStore(database)
      const first = await register(users, {}, KEY)
      await database.execute(`UPDATE users SET username = 'renamed' WHERE user_id = ?`, [first.userId])
      const again = await changingNothing(database, () => register(users, {}, KEY))
      assert.deepEqual(again, { ...first, answer: KEY.answer(first) })
    })

    test('a key with another request is refused, and nothing is written', async (t) => {
      const { database } = await open(t)
      const users = sqlUserStore(database)
      await register(users, {}, KEY)
      await changingNothing(database, () =>
        assert.rejects(register(users, { username: 'bo' }, { ...KEY, requestHash: 'hash-2' }), {
          code: 'idempotency-key-reused',
        }),
      )
    })

    test('other keys are other users; without one every request is a new one', async (t) => {
      const { database } = await open(t)
      const users = sqlUserStore(database)
      const ids = [
        await register(users, { username: 'ann' }, KEY),
        await register(users, { username: 'bo' }, { ...KEY, key: 'key-2' }),
        await register(users, { username: 'cy' }),
        await register(users, { username: 'dan' }),
      ].map(({ userId }) => userId)
      assert.equal(new Set(ids).size, 4)
    })

    test('repeats at the same time, at two replicas, make one user', async (t) => {
      const { database, other } = await open(t)
      const replicas = [sqlUserStore(database), sqlUserStore(other)]
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => register(replicas[index % 2] ?? assert.fail(), {}, KEY)),
      )
      const [first, ...more] = answers.filter(({ answer }) => answer === undefined)
      assert.ok(first && more.length === 0, 'one of them did it')
      const answer = KEY.answer(first)
      for (const repeat of answers) assert.deepEqual(repeat, repeat === first ? first : { ...first, answer })
      assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM users'), 1)
      assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM user_audit'), 1)
    })

    test('of two at the same time who want one username, one gets it', async (t) => {
      const { database, other } = await open(t)
      const results = await Promise.allSettled([
        register(sqlUserStore(database), { username: 'wanted' }),
        register(sqlUserStore(other), { username: 'WANTED' }),
      ])
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason.code] : []))
      assert.deepEqual(refused, ['username-taken'])
      assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM users'), 1)
    })
  })
}
