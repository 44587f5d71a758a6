import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inList } from '../../src/adapters/sql/in-list.ts'
import type { Session } from '../../src/ports.ts'
import { changingNothing, gate, holding, insertRole, insertUser, numberOf, type OpenRig, roundTrip } from './rig.ts'

/** Where waiting itself is tested: long enough for a try or two. */
const SHORT_WAIT_MS = 60

const roles = (session: Pick<Session, 'query'>) => numberOf(session, 'SELECT COUNT(*) AS n FROM roles')

export function databaseContract(open: OpenRig): void {
  describe('database', () => {
    transactions(open)
    waiting(open)
    errors(open)
    values(open)
  })
}

function transactions(open: OpenRig): void {
  test('a transaction commits when its work resolves, and answers what that answered', async (t) => {
    const { database, other } = await open(t)
    const answer = await database.transaction(async (session) => {
      await insertRole(session, 'cashier')
      await insertRole(session, 'baker')
      return 'done'
    })
    assert.equal(answer, 'done')
    assert.deepEqual([await roles(database), await roles(other)], [2, 2])
  })

  test('a transaction rolls back when its work rejects, and rejects with that', async (t) => {
    const { database } = await open(t)
    const failure = new Error('decided otherwise')
    const work = async (session: Session) => {
      await insertUser(session, 1)
      await insertRole(session, 'cashier')
      throw failure
    }
    await changingNothing(database, () =>
      assert.rejects(database.transaction(work), (error) => {
        assert.equal(error, failure)
        return true
      }),
    )
  })

  test('a transaction rolls back whole when one statement of it is refused', async (t) => {
    const { database } = await open(t)
    const work = async (session: Session) => {
      await insertRole(session, 'cashier')
      await insertRole(session, 'cashier')
    }
    await changingNothing(database, () => assert.rejects(database.transaction(work), { kind: 'duplicate' }))
  })

  test('a transaction may go on after a refused statement, which alone is undone', async (t) => {
    const { database } = await open(t)
    await database.transaction(async (session) => {
      await insertRole(session, 'cashier')
      await assert.rejects(insertRole(session, 'cashier'), { kind: 'duplicate' })
      await insertRole(session, 'baker')
    })
    assert.equal(await roles(database), 2)
  })

  test('the next transaction has nothing of one that failed', async (t) => {
    const { database } = await open(t)
    const failing = database.transaction(async (session) => {
      await insertRole(session, 'cashier')
      throw new Error('decided otherwise')
    })
    const next = database.transaction(roles)
    await assert.rejects(failing)
    assert.equal(await next, 0)
    await insertRole(database, 'cashier')
    assert.equal(await roles(database), 1)
  })

  test('a transaction reads what it wrote; nobody else does before the commit', async (t) => {
    const { database, other, scan, after, readersWait } = await open(t)
    const written = gate()
    const { passed, open: commit } = gate()
    after(commit)
    const inside = database.transaction(async (session) => {
      await insertRole(session, 'cashier')
      written.open()
      await passed
      return roles(session)
    })
    await written.passed
    const outside = () => Promise.all([roles(database), roles(other), roles(scan)])
    const before = outside()
    let seen: number[] | null = null
    void before.then((numbers) => {
      seen = numbers
    })
    if (readersWait) await roundTrip(database)
    else await before
    assert.deepEqual(seen, readersWait ? null : [0, 0, 0])
    commit()
    assert.equal(await inside, 1)
    await before
    assert.deepEqual(await outside(), [1, 1, 1])
  })

  test('transactions that meet lose nothing of each other', async (t) => {
    const { database, other } = await open(t)
    await insertUser(database, 1)
    await database.execute(`INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (1, 'open-receipts', 0)`)
    const addOne = async (session: Session) => {
      // The users row is locked first, as every command does.
      await session.execute('UPDATE users SET status = status WHERE user_id = 1')
      const value = await numberOf(session, 'SELECT limit_value AS n FROM user_limits WHERE user_id = 1')
      await session.execute('UPDATE user_limits SET limit_value = ? WHERE user_id = 1', [value + 1])
    }
    const both = Array.from({ length: 10 }, () => [database.transaction(addOne), other.transaction(addOne)]).flat()
    await Promise.all(both)
    assert.equal(await numberOf(database, 'SELECT limit_value AS n FROM user_limits WHERE user_id = 1'), 20)
  })
}

function waiting(open: OpenRig): void {
  test('a write waits for the lock of another, and then is done', async (t) => {
    const rig = await open(t)
    await insertRole(rig.database, 'cashier')
    const release = await holding(rig, `UPDATE roles SET title = 'Held' WHERE role = 'cashier'`)
    let done = false
    const write = rig.database.execute(`UPDATE roles SET privileged = 1 WHERE role = 'cashier'`).then(() => {
      done = true
    })
    await roundTrip(rig.database)
    assert.equal(done, false)
    await release()
    await write
    const [row] = await rig.database.query('SELECT title, privileged FROM roles')
    assert.deepEqual({ ...row }, { title: 'Held', privileged: 1 })
  })

  const change = `UPDATE roles SET privileged = 1 WHERE role = 'cashier'`
  test('a write that has waited its time is refused as busy, and the next is served', async (t) => {
    const rig = await open(t, { lockWaitMs: SHORT_WAIT_MS })
    const { database } = rig
    await insertRole(database, 'cashier')
    const release = await holding(rig, `UPDATE roles SET title = 'Held' WHERE role = 'cashier'`)
    const busy = { name: 'DomainError', code: 'busy' }
    await assert.rejects(database.execute(change), busy)
    await assert.rejects(
      database.transaction((session) => session.execute(change)),
      busy,
    )
    if (!rig.readersWait) assert.equal(await roles(database), 1, 'reads go on')
    await release()
    assert.equal(await database.execute(change), 1)
  })

  test('close waits for the transaction that runs', async (t) => {
    const { database, other, after } = await open(t)
    const begun = gate()
    const { passed, open: commit } = gate()
    after(commit)
    const work = other.transaction(async (session) => {
      begun.open()
      await passed
      await insertRole(session, 'cashier')
    })
    await begun.passed
    const closed = other.close()
    commit()
    await work
    await closed
    // What is closed already stays so.
    await other.close()
    assert.equal(await roles(database), 1)
  })
}

function errors(open: OpenRig): void {
  const rows = [
    { kind: 'duplicate', what: 'a primary key', sql: `INSERT INTO roles (role, title) VALUES ('cashier', 'Again')` },
    {
      kind: 'duplicate',
      what: 'a username in other case',
      sql: `INSERT INTO users (username, given_name, family_name, created_at, updated_at)
        VALUES ('USER.1', 'Ann', 'Lee', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`,
    },
    {
      kind: 'duplicate',
      what: 'an assignment',
      sql: `INSERT INTO user_branches (user_id, branch_id) VALUES (1, 'B1')`,
    },
    {
      kind: 'duplicate',
      what: 'a grant held everywhere',
      sql: `INSERT INTO user_roles (user_id, role, branch_id) VALUES (1, 'cashier', NULL)`,
    },
    {
      kind: 'missing-parent',
      what: 'a grant to nobody',
      sql: `INSERT INTO user_roles (user_id, role, branch_id) VALUES (77, 'cashier', NULL)`,
    },
    {
      kind: 'missing-parent',
      what: 'a grant of no role',
      sql: `INSERT INTO user_roles (user_id, role, branch_id) VALUES (1, 'butcher', NULL)`,
    },
    { kind: 'missing-parent', what: 'a role that is held deleted', sql: `DELETE FROM roles WHERE role = 'cashier'` },
    { kind: 'other', what: 'no such table', sql: 'DELETE FROM nothing_of_the_kind' },
  ]
  for (const { kind, what, sql } of rows) {
    test(`${what}: ${kind}`, async (t) => {
      const { database } = await open(t)
      await insertUser(database, 1)
      await insertRole(database, 'cashier')
      await database.execute(`INSERT INTO user_branches (user_id, branch_id) VALUES (1, 'B1')`)
      await database.execute(`INSERT INTO user_roles (user_id, role, branch_id) VALUES (1, 'cashier', NULL)`)
      await changingNothing(database, () => assert.rejects(database.execute(sql), { name: 'SqlError', kind }))
    })
  }

  test('an error says nothing of the parameters, which are people’s data', async (t) => {
    const { database } = await open(t)
    await insertUser(database, 1, 'ann.secret')
    await assert.rejects(insertUser(database, 2, 'ann.secret'), (error: Error) => {
      assert.doesNotMatch(error.message, /secret/)
      return true
    })
  })

  test('a query can’t write', async (t) => {
    const { database, scan } = await open(t)
    await insertRole(database, 'cashier')
    for (const session of [database, scan]) {
      await changingNothing(database, () => assert.rejects(session.query('DELETE FROM roles')))
    }
  })
}

function values(open: OpenRig): void {
  test('execute answers the rows that it changed itself, not those of triggers', async (t) => {
    const { database } = await open(t)
    for (const userId of [1, 2, 3]) await insertUser(database, userId)
    const rename = 'UPDATE users SET given_name = ? WHERE user_id > ?'
    assert.equal(await database.execute(rename, ['Bo', 1]), 2)
    assert.equal(await database.execute(rename, ['Bo', 77]), 0)
    // What changes nothing still counts: commands see by it whether the row that they lock is there.
    assert.equal(await database.execute(rename, ['Bo', 1]), 2)
    assert.equal(await database.transaction((session) => session.execute(rename, ['Cy', 0])), 3)
    assert.equal(await database.execute('DELETE FROM users'), 3)
  })

  test('text, numbers up to 2^53 - 1 and NULL come back as they went', async (t) => {
    const { database, scan } = await open(t)
    await insertUser(database, Number.MAX_SAFE_INTEGER)
    const name = 'Zoë ’n’ 李 😀 %_?'
    await database.execute('UPDATE users SET given_name = ?, family_name = ?, phone = ?', [name, 'x'.repeat(255), null])
    for (const session of [database, scan]) {
      const [row] = await session.query('SELECT user_id, given_name, family_name, phone FROM users')
      assert.deepEqual(
        { ...row },
        { user_id: Number.MAX_SAFE_INTEGER, given_name: name, family_name: 'x'.repeat(255), phone: null },
      )
    }
  })

  for (const value of [0, -1, 1, 2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1]) {
    test(`the number ${value} comes back as it went`, async (t) => {
      const { database, scan } = await open(t)
      await insertUser(database, 1)
      await database.execute('INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (1, ?, ?)', [
        'n',
        value,
      ])
      for (const session of [database, scan]) {
        const [row] = await session.query('SELECT limit_value FROM user_limits WHERE limit_value = ?', [value])
        assert.equal(row?.limit_value, value)
      }
    })
  }

  test('empty text is no NULL, and NULL is no empty text', async (t) => {
    const { database } = await open(t)
    await insertUser(database, 1)
    await database.execute('UPDATE users SET email = ?, phone = ?', ['', null])
    const [row] = await database.query('SELECT email, phone FROM users WHERE email IS NOT NULL AND phone IS NULL')
    assert.deepEqual({ ...row }, { email: '', phone: null })
  })

  test('a name as long as a column of 255 bytes holds, in characters of four', async (t) => {
    const { database } = await open(t)
    await insertUser(database, 1)
    const name = '😀'.repeat(63)
    await database.execute('UPDATE users SET given_name = ? WHERE user_id = ?', [name, 1])
    const [row] = await database.query('SELECT given_name FROM users WHERE given_name = ?', [name])
    assert.equal(row?.given_name, name)
  })

  for (const value of [new Date(0), 1n, Symbol('x')]) {
    test(`a ${typeof value === 'object' ? 'Date' : typeof value} is refused, and not written as NULL`, async (t) => {
      const { database } = await open(t)
      await insertUser(database, 1, 'ann')
      await database.execute('UPDATE users SET phone = ?', ['+1'])
      const write = () => database.execute('UPDATE users SET phone = ?', [value as unknown as string])
      await changingNothing(database, () => assert.rejects(write)).catch((error) => {
        // The embedded database knows BigInt: exact, and allowed.
        if (typeof value !== 'bigint') throw error
      })
      const [row] = await database.query('SELECT phone FROM users')
      assert.notEqual(row?.phone, null)
    })
  }

  test('ten thousand rows are read whole, and in order', async (t) => {
    const { database, scan } = await open(t)
    await database.transaction(async (session) => {
      for (let n = 1; n <= 100; n += 1) {
        await session.execute(
          `INSERT INTO entity_changes (change_id, entity, entity_id, changed_at) VALUES (?, 'user', '1', '-')`,
          [n],
        )
      }
    })
    const rows = await scan.query<{ one: number; two: number }>(
      `SELECT a.change_id AS one, b.change_id AS two FROM entity_changes a, entity_changes b
       ORDER BY a.change_id, b.change_id`,
    )
    assert.deepEqual(
      rows.map(({ one, two }) => 100 * (one - 1) + two),
      Array.from({ length: 10_000 }, (_, index) => index + 1),
    )
  })

  test('an id is never given twice, even after its user is deleted', async (t) => {
    const { database } = await open(t)
    const insert = `INSERT INTO users (username, given_name, family_name, created_at, updated_at)
      VALUES ('ann', 'Ann', 'Lee', '2020-01-01 00:00:00.000', '2020-01-01 00:00:00.000')`
    await database.execute(insert)
    const [first] = await database.query('SELECT user_id FROM users')
    await database.execute('DELETE FROM users')
    await database.execute(insert)
    const [second] = await database.query('SELECT user_id FROM users')
    assert.ok(Number(second?.user_id) > Number(first?.user_id))
  })

  test('a limit ends a SELECT', async (t) => {
    const { database, scan } = await open(t)
    for (const userId of [1, 2, 3]) await insertUser(database, userId)
    const sql = `SELECT user_id FROM users WHERE user_id > ? ORDER BY user_id ${database.dialect.limit(2)}`
    for (const session of [database, scan]) {
      assert.deepEqual(
        (await session.query(sql, [0])).map(({ user_id }) => user_id),
        [1, 2],
      )
      assert.deepEqual(
        (await session.query(sql, [2])).map(({ user_id }) => user_id),
        [3],
      )
    }
  })

  for (const length of [1, 2, 10, 11, 100, 101, 499, 500]) {
    test(`an IN list of ${length}`, async (t) => {
      const { database } = await open(t)
      await database.transaction(async (session) => {
        for (let id = 1; id <= 501; id += 1) {
          await session.execute(
            `INSERT INTO entity_changes (change_id, entity, entity_id, changed_at) VALUES (?, 'user', '1', '-')`,
            [id],
          )
        }
      })
      const ids = inList(Array.from({ length }, (_, index) => index + 1))
      assert.equal(
        await database.execute(`DELETE FROM entity_changes WHERE change_id IN ${ids.sql}`, ids.params),
        length,
      )
      assert.equal(await numberOf(database, 'SELECT MIN(change_id) AS n FROM entity_changes'), length + 1)
    })
  }

  test('the clock is UTC, of the database, to the millisecond', async (t) => {
    const { database, scan } = await open(t)
    for (const session of [database, scan]) {
      const [row] = await session.query(`SELECT ${database.dialect.utcNow} AS now FROM service_epoch`)
      assert.match(String(row?.now), /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}$/)
      const apartMs = Math.abs(Date.parse(`${row?.now}Z`) - Date.now())
      assert.ok(apartMs < 60_000, `${row?.now} is now`)
    }
  })
}
