import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ANY_VERSION, AT, changingNothing, insertUser, truthOf } from '../../../test/contract/rig.ts'
import { openSqliteRig } from '../../../test/contract/sqlite.ts'
import type { Database } from '../../ports.ts'
import { sqlUserStore } from './user-store.ts'

// What every database has to do with a store is in test/contract/. Here: writers who don't wait for the user's lock. The
// embedded database lets nobody write beside a transaction, so they write in the command's own one, before its commit.

const TRIES = 3

function overtaken(database: Database, times: number): { database: Database; transactions(): number } {
  let transactions = 0
  return {
    transactions: () => transactions,
    database: {
      ...database,
      transaction: (work) => {
        transactions += 1
        const isOvertaken = transactions <= times
        return database.transaction((session) =>
          work({
            ...session,
            execute: async (sql, params) => {
              if (isOvertaken && sql.includes('INTO user_audit')) {
                await session.execute(`INSERT INTO user_branches (user_id, branch_id) VALUES (1, 'B9')`)
              }
              return session.execute(sql, params)
            },
          }),
        )
      },
    },
  }
}

async function openOvertaken(t: TestContext, times: number) {
  const rig = await openSqliteRig(t)
  await insertUser(rig.database, 1)
  const { database, transactions } = overtaken(rig.database, times)
  let decisions = 0
  const suspend = () =>
    sqlUserStore(database).update(1, ANY_VERSION, () => {
      decisions += 1
      return [{ type: 'user-suspended', userId: 1, at: AT }]
    })
  return { rig, suspend, transactions, decisions: () => decisions }
}

for (const times of [0, 1, 2]) {
  test(`a command that is overtaken ${times} times is decided anew each time, and written once`, async (t) => {
    const { rig, suspend, transactions, decisions } = await openOvertaken(t, times)
    const { version } = await suspend()
    assert.deepEqual([transactions(), decisions()], [times + 1, times + 1])
    const { user } = await truthOf(rig).user(1)
    assert.deepEqual([user?.status, user?.branches, user?.version], ['suspended', [], version])
    assert.equal((await rig.database.query('SELECT audit_id FROM user_audit')).length, 1)
  })
}

test('a command that is overtaken three times is refused as busy, and nothing of it is written', async (t) => {
  const { rig, suspend, transactions } = await openOvertaken(t, TRIES)
  await changingNothing(rig.database, () => assert.rejects(suspend(), { name: 'DomainError', code: 'busy' }))
  assert.equal(transactions(), TRIES)
})
