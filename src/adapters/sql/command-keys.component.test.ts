import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ANY_VERSION, AT, changingNothing, insertUser, numberOf } from '../../../test/contract/rig.ts'
import { openSqliteRig } from '../../../test/contract/sqlite.ts'
import { DomainError } from '../../domain/errors.ts'
import type { User } from '../../domain/user.ts'
import type { Database, Session } from '../../ports.ts'
import { deleteExpiredKeys } from './command-keys.ts'
import { SqlError, surfaced } from './errors.ts'
import { sqlUserStore } from './user-store.ts'

// What every database has to do with a key is in test/contract/. Here: what others do between two statements, which the
// embedded database lets nobody do; so it is done in the command's own transaction.

const HOUR_MS = 3_600_000
const answer = () => ({ status: 200, headers: {}, body: '{}' })
const KEYED = { ...ANY_VERSION, idempotency: { key: 'k', requestHash: 'h', answer } }
const suspend = ({ id }: User) => [{ type: 'user-suspended' as const, userId: id, at: AT }]
const USED = `INSERT INTO command_keys VALUES ('k', 'h', '-', '2999-01-01 00:00:00.000')`

async function opened(t: TestContext): Promise<Database> {
  const { database } = await openSqliteRig(t)
  await insertUser(database, 1)
  return database
}

/** `before` runs before each statement of a transaction that looks at keys. */
function meddledWith(database: Database, before: (session: Session) => Promise<void>): Database {
  return {
    ...database,
    transaction: (work) =>
      database.transaction((session) =>
        work({
          ...session,
          query: async (sql, params) => {
            if (sql.includes('command_keys')) await before(session)
            return session.query(sql, params)
          },
        }),
      ),
  }
}

test('a key that is deleted just when it was met is claimed anew', async (t) => {
  const database = await opened(t)
  await database.execute(USED)
  const meddled = meddledWith(database, async (session) => void (await session.execute('DELETE FROM command_keys')))
  assert.equal((await sqlUserStore(meddled).update(1, KEYED, suspend)).answer, undefined)
  assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM user_audit'), 1)
})

test('a key that is taken over each time that it was found expired is in use', async (t) => {
  const database = await opened(t)
  await database.execute(USED.replace('2999', '1999'))
  let years = 1999
  let looked = 0
  // Another one has it by the time that this one would, and is as old again when it is looked at.
  const meddled: Database = {
    ...database,
    transaction: (work) =>
      database.transaction((session) =>
        work({
          ...session,
          execute: async (sql, params) => {
            if (sql.startsWith('UPDATE command_keys')) {
              years += 1
              await session.execute(`UPDATE command_keys SET created_at = '${years}-01-01 00:00:00.000'`)
            }
            return session.execute(sql, params)
          },
          query: (sql, params) => {
            if (sql.includes('command_keys')) looked += 1
            return session.query(sql, params)
          },
        }),
      ),
  }
  await changingNothing(database, () =>
    assert.rejects(sqlUserStore(meddled).update(1, KEYED, suspend), { code: 'idempotency-key-in-use' }),
  )
  assert.equal(looked, 3)
})

type Locked = { times: number; begins: number; statement?: string }
const CLAIM = 'INSERT INTO command_keys'

/** `begins` times at most: the first `times` end at `statement`, each as a database says that a lock was not to be had. */
function lockedOut(database: Database, { times, begins, statement = CLAIM }: Locked): Database {
  let met = 0
  const transaction: Database['transaction'] = (work) =>
    database.transaction((session) =>
      work({
        ...session,
        execute: async (sql, params) => {
          if (!sql.startsWith(statement)) return session.execute(sql, params)
          met += 1
          if (met <= times) throw new SqlError('busy', 'locked', undefined)
          return session.execute(sql, params)
        },
      }),
    )
  return {
    ...database,
    transaction: async (work) => {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await transaction(work)
        } catch (error) {
          if (attempt === begins) throw surfaced(error)
        }
      }
    },
  }
}

test('a claim that the database lets begin again, as a deadlock’s victim, is no key in use', async (t) => {
  const database = await opened(t)
  const { answer: earlier } = await sqlUserStore(lockedOut(database, { times: 2, begins: 3 })).update(1, KEYED, suspend)
  assert.equal(earlier, undefined)
  assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM user_audit'), 1)
})

test('a claim that waited in vain each time is a key in use, and says why to whoever looks into it', async (t) => {
  const database = await opened(t)
  const error = await sqlUserStore(lockedOut(database, { times: 3, begins: 3 }))
    .update(1, KEYED, suspend)
    .catch((refusal: unknown) => refusal)
  assert.ok(error instanceof DomainError)
  assert.equal(error.code, 'idempotency-key-in-use')
  assert.equal((error.cause as DomainError).code, 'busy')
})

test('who waited in vain for the user, with the key in hand, is told that it is busy', async (t) => {
  const database = await opened(t)
  const locked = lockedOut(database, { times: 3, begins: 3, statement: 'UPDATE users' })
  await changingNothing(database, () =>
    assert.rejects(sqlUserStore(locked).update(1, KEYED, suspend), { name: 'DomainError', code: 'busy' }),
  )
})

test('what is taken over while the clean-up looks at it stays', async (t) => {
  const database = await opened(t)
  await database.execute(USED.replace('2999', '1999'))
  const meddled: Database = {
    ...database,
    query: async (sql, params) => {
      const rows = await database.query<never>(sql, params)
      if (sql.includes('command_keys')) await database.execute(`UPDATE command_keys SET created_at = '2999-01-01'`)
      return rows
    },
  }
  assert.equal(await deleteExpiredKeys(meddled, HOUR_MS), 0)
  assert.equal(await numberOf(database, 'SELECT COUNT(*) AS n FROM command_keys'), 1)
})
