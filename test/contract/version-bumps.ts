import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sqlRoleStore } from '../../src/adapters/sql/role-store.ts'
import { sqlVersionBumps } from '../../src/adapters/sql/version-bumps.ts'
import { decideDefineRole } from '../../src/domain/role.ts'
import { ANY_VERSION, AT, everything, insertUser, type OpenRig, type Owner, run, truthOf } from './rig.ts'

const CASHIER = { role: 'cashier', title: 'Cashier', privileged: false, permissions: [] }

async function openBumps(t: Owner, open: OpenRig) {
  const rig = await open(t)
  await insertUser(rig.database, 1)
  await sqlRoleStore(rig.database).update('cashier', ANY_VERSION, (catalogue) =>
    decideDefineRole(catalogue, CASHIER, AT),
  )
  await run(rig.database, 'DELETE FROM entity_changes')
  const changes = async () => {
    const rows = await rig.database.query('SELECT entity, entity_id FROM entity_changes ORDER BY change_id')
    return rows.map((row) => `${row.entity} ${row.entity_id}`)
  }
  return { rig, bumps: sqlVersionBumps(rig.database), truth: truthOf(rig), changes }
}

/** What moves the version on, and tells of it, without anything having changed. */
export function versionBumpsContract(open: OpenRig): void {
  describe('version bumps', () => {
    test('a user moves on by one, with a change to tell of it, and is otherwise as before', async (t) => {
      const { bumps, truth, changes } = await openBumps(t, open)
      const before = await truth.user(1)
      assert.equal(await bumps.user(1, before.version), true)
      const after = await truth.user(1)
      assert.equal(after.version, before.version + 1)
      assert.deepEqual({ ...after.user, version: 0 }, { ...before.user, version: 0 })
      assert.deepEqual(await changes(), ['user 1'])
    })

    test('who has moved on already is left as they are', async (t) => {
      const { rig, bumps, truth } = await openBumps(t, open)
      const { version } = await truth.user(1)
      const before = await everything(rig.database)
      assert.equal(await bumps.user(1, version - 1), false)
      assert.equal(await bumps.user(1, version + 1), false)
      assert.deepEqual(await everything(rig.database), before)
    })

    test('who is gone moves on, too', async (t) => {
      const { rig, bumps, truth } = await openBumps(t, open)
      await run(rig.database, 'DELETE FROM users WHERE user_id = 1')
      const { version } = await truth.user(1)
      assert.equal(await bumps.user(1, version), true)
      assert.equal((await truth.user(1)).version, version + 1)
    })

    test('whom nobody ever counted is counted from then on, by every table', async (t) => {
      const { rig, bumps, truth, changes } = await openBumps(t, open)
      const sources = () =>
        rig.database.query(`SELECT source FROM entity_versions WHERE entity_id = '1' ORDER BY source`)
      const counted = await sources()
      await run(rig.database, `DELETE FROM entity_versions WHERE entity_id = '1'`)
      assert.equal((await truth.user(1)).version, 0)
      assert.equal(await bumps.user(1, 0), true)
      assert.deepEqual(await sources(), counted)
      assert.ok((await truth.user(1)).version > 0)
      assert.equal((await changes()).length, 1)
      await run(rig.database, `INSERT INTO user_branches (user_id, branch_id) VALUES (1, 'B900')`)
      assert.ok((await truth.user(1)).version > 5)
    })

    test('whom only some tables have counted keeps those counts', async (t) => {
      const { rig, bumps, truth } = await openBumps(t, open)
      await run(rig.database, `DELETE FROM entity_versions WHERE entity_id = '1' AND source = 'users'`)
      const { version } = await truth.user(1)
      assert.equal(await bumps.user(1, version), true)
      assert.equal((await truth.user(1)).version, version + 1)
    })

    test('the role catalogue moves on by one, with a change to tell of it', async (t) => {
      const { bumps, truth, changes } = await openBumps(t, open)
      const before = await truth.roles()
      assert.equal(await bumps.roles(before.version - 1), false)
      assert.equal(await bumps.roles(before.version), true)
      assert.deepEqual(await truth.roles(), { ...before, version: before.version + 1 })
      assert.deepEqual(await changes(), ['role *'])
    })

    test('two who bump at once bump once', async (t) => {
      const { rig, bumps, truth } = await openBumps(t, open)
      const { version } = await truth.user(1)
      const both = await Promise.all([bumps.user(1, version), sqlVersionBumps(rig.other).user(1, version)])
      assert.deepEqual(both.sort(), [false, true])
      assert.equal((await truth.user(1)).version, version + 1)
    })

    test('the greatest id is known, and 0 where there are no users', async (t) => {
      const { rig, truth } = await openBumps(t, open)
      await insertUser(rig.database, 4_711)
      assert.equal(await truth.lastUserId(), 4_711)
      await run(rig.database, 'DELETE FROM users')
      assert.equal(await truth.lastUserId(), 0)
    })
  })
}
