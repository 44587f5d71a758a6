import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openDrda } from '../contract/drda.ts'
import { gate, insertRole, insertUser, numberOf, type Owner, roundTrip } from '../contract/rig.ts'
import { type DrdaServer, drdaMissing, startDrdaServer } from '../support/drda/server.ts'

/** Two programs, each on a connection of its own, and what they do at the same moment. */
describe('older programs that write one user at the same moment', { skip: drdaMissing() ?? false }, () => {
  let server: DrdaServer
  before(async () => {
    server = await startDrdaServer()
  })
  after(() => server?.stop())

  async function two(t: Owner) {
    const name = server.makeDatabase()
    const [one, other] = [openDrda(server, name), openDrda(server, name)]
    t.after(() => Promise.all([one.close(), other.close()]))
    await insertUser(one, 1)
    await insertRole(one, 'cashier')
    return { one, other }
  }

  const WRITES = [
    `INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (1, 'cash-drop', 1)`,
    `INSERT INTO user_preferences (user_id, preference_key, preference_value) VALUES (1, 'theme', 'dark')`,
    `INSERT INTO user_branches (user_id, branch_id) VALUES (1, 'B1')`,
    `INSERT INTO user_roles (user_id, role, branch_id) VALUES (1, 'cashier', NULL)`,
  ]
  for (const first of WRITES) {
    for (const second of WRITES.filter((sql) => sql > first)) {
      test(`neither waits: ${first.split(' ')[2]} and ${second.split(' ')[2]}`, async (t) => {
        const { one, other } = await two(t)
        const [held, { passed, open }] = [gate(), gate()]
        t.after(open)
        const holding = one.transaction(async (session) => {
          await session.execute(first)
          held.open()
          await passed
        })
        await held.passed
        // Done while the other transaction is open: its sessions wait for no lock.
        await other.transaction((session) => session.execute(second))
        open()
        await holding
        const version =
          'SELECT CAST(SUM(version) AS BIGINT) AS n FROM entity_versions WHERE entity = ? AND entity_id = ?'
        assert.equal(await numberOf(one, version, ['user', '1']), 7)
      })
    }
  }

  /** What this service does not do: one counter a user, which whoever writes any table of that user must have. */
  async function withOneCounterAUser(t: Owner) {
    const { one, other } = await two(t)
    await one.execute('CREATE TABLE one_counter (user_id BIGINT NOT NULL PRIMARY KEY, version BIGINT NOT NULL)')
    await one.execute('INSERT INTO one_counter (user_id, version) VALUES (1, 1)')
    await one.execute(`INSERT INTO user_limits (user_id, limit_name, limit_value) VALUES (1, 'cash-drop', 1)`)
    return { one, other }
  }
  const COUNT = 'UPDATE one_counter SET version = version + 1 WHERE user_id = 1'

  test('with one counter a user the second waits for the first', async (t) => {
    const { one, other } = await withOneCounterAUser(t)
    const [held, { passed, open }] = [gate(), gate()]
    t.after(open)
    const holding = one.transaction(async (session) => {
      await session.execute(WRITES[2] ?? '')
      await session.execute(COUNT)
      held.open()
      await passed
    })
    await held.passed
    let done = false
    const second = other.transaction(async (session) => {
      await session.execute(WRITES[1] ?? '')
      await session.execute(COUNT)
      done = true
    })
    await roundTrip(other)
    await roundTrip(other)
    assert.equal(done, false)
    open()
    await Promise.all([holding, second])
  })

  test('and two that write a second table meet in a deadlock, of which one is the victim', async (t) => {
    const { one, other } = await withOneCounterAUser(t)
    const both = Promise.withResolvers<void>()
    let ready = 0
    const meet = () => {
      ready += 1
      if (ready === 2) both.resolve()
      return both.promise
    }
    let runs = 0
    const limit = `UPDATE user_limits SET limit_value = limit_value + 1 WHERE user_id = 1`
    const work = (first: string, second: string) => async (session: { execute(sql: string): Promise<number> }) => {
      runs += 1
      await session.execute(first)
      await meet()
      await session.execute(second)
    }
    await Promise.all([one.transaction(work(COUNT, limit)), other.transaction(work(limit, COUNT))])
    // The victim was undone, and began again by itself.
    assert.equal(runs, 3)
    assert.equal(await numberOf(one, 'SELECT version AS n FROM one_counter'), 3)
    assert.equal(await numberOf(one, 'SELECT limit_value AS n FROM user_limits'), 3)
  })
})
