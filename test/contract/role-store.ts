import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sqlRoleStore } from '../../src/adapters/sql/role-store.ts'
import { sqlUserStore } from '../../src/adapters/sql/user-store.ts'
import { decideDefineRole, decideRemoveRole, type Role } from '../../src/domain/role.ts'
import type { RoleStore, WriteContext } from '../../src/ports.ts'
import {
  ANY_VERSION,
  AT,
  BY,
  changingNothing,
  holding,
  insertUser,
  type OpenRig,
  type Owner,
  roundTrip,
  run,
  truthOf,
} from './rig.ts'

const CASHIER: Role = {
  role: 'cashier',
  title: 'Cashier',
  privileged: false,
  permissions: [
    { permission: 'drawer.open', effect: 'approve' },
    { permission: 'till.open', effect: 'allow' },
  ],
}
const BAKER: Role = { role: 'baker', title: 'Baker', privileged: true, permissions: [] }

const define = (roles: RoleStore, wanted: Role, context: WriteContext = ANY_VERSION) =>
  roles.update(wanted.role, context, (catalogue) => decideDefineRole(catalogue, wanted, AT))
const remove = (roles: RoleStore, role: string, context: WriteContext = ANY_VERSION) =>
  roles.update(role, context, (catalogue, holders) => decideRemoveRole(catalogue, role, holders, AT))
const grant = (branchId: string) =>
  `INSERT INTO user_roles (user_id, role, branch_id) VALUES (1, 'cashier', '${branchId}')`

async function openRoles(t: Owner, open: OpenRig) {
  const rig = await open(t)
  const roles = sqlRoleStore(rig.database)
  await define(roles, CASHIER)
  const { version } = await define(roles, BAKER)
  await insertUser(rig.database, 1)
  return { ...rig, rig, roles, version, read: truthOf(rig).roles }
}

export function roleStoreContract(open: OpenRig): void {
  describe('role store', () => {
    test('roles are defined, changed and removed, each at a new version', async (t) => {
      const { roles, read, version } = await openRoles(t, open)
      assert.deepEqual(await read(), { version, settled: true, roles: [BAKER, CASHIER] })
      const other: Role = { ...CASHIER, title: 'Till', permissions: [{ permission: 'a', effect: 'allow' }] }
      const changed = await define(roles, other)
      assert.ok(changed.version > version)
      assert.deepEqual(await read(), { version: changed.version, settled: true, roles: [BAKER, other] })
      const removed = await remove(roles, 'cashier')
      assert.ok(removed.version > changed.version)
      assert.deepEqual(await read(), { version: removed.version, settled: true, roles: [BAKER] })
      assert.equal(removed.visible, true)
    })

    test('every event has its audit entry', async (t) => {
      const { roles, database } = await openRoles(t, open)
      await remove(roles, 'baker')
      const rows = await database.query('SELECT entity, entity_id, event, actor FROM user_audit ORDER BY audit_id')
      assert.deepEqual(
        rows.map(({ event, ...entry }) => ({ ...entry, ...JSON.parse(String(event)) })),
        [
          { entity: 'role', entity_id: 'cashier', actor: BY.name, type: 'role-defined', role: CASHIER, at: AT },
          { entity: 'role', entity_id: 'baker', actor: BY.name, type: 'role-defined', role: BAKER, at: AT },
          { entity: 'role', entity_id: 'baker', actor: BY.name, type: 'role-removed', role: 'baker', at: AT },
        ],
      )
    })

    test('what is already so writes nothing, whatever version is expected', async (t) => {
      const { roles, database, version } = await openRoles(t, open)
      const old = { expectedVersions: [1], by: BY }
      const answers = await changingNothing(database, async () => [
        await define(roles, { ...CASHIER, permissions: CASHIER.permissions.toReversed() }, old),
        await remove(roles, 'none', old),
      ])
      assert.deepEqual(answers, new Array(2).fill({ version, visible: true }))
    })

    test('another version than the expected one is refused; the expected one lets through', async (t) => {
      const { roles, database, version } = await openRoles(t, open)
      const changed = { ...BAKER, title: 'Bread' }
      await changingNothing(database, () =>
        assert.rejects(define(roles, changed, { expectedVersions: [version - 1], by: BY }), {
          code: 'version-conflict',
        }),
      )
      await define(roles, changed, { expectedVersions: [version], by: BY })
    })

    test('holders are counted up to 1, of this role only', async (t) => {
      const { roles, database } = await openRoles(t, open)
      const count = async (role: string) => {
        let counted = -1
        await roles.update(role, ANY_VERSION, (_, holders) => {
          counted = holders
          return []
        })
        return counted
      }
      assert.deepEqual([await count('cashier'), await count('baker')], [0, 0])
      await run(database, grant('B1'), grant('B2'))
      assert.deepEqual([await count('cashier'), await count('baker'), await count('none')], [1, 0, 0])
    })

    test('a role that somebody holds can’t be removed, until nobody does', async (t) => {
      const { roles, database } = await openRoles(t, open)
      await run(database, grant('B1'))
      const inUse = { code: 'role-in-use', field: '/role' }
      await changingNothing(database, () => assert.rejects(remove(roles, 'cashier'), inUse))
      // Even when the decision is blind to the holder, the database is not.
      const blindly = () =>
        roles.update('cashier', ANY_VERSION, () => [{ type: 'role-removed', role: 'cashier', at: AT }])
      await changingNothing(database, () => assert.rejects(blindly, inUse))
      await run(database, 'DELETE FROM user_roles')
      await remove(roles, 'cashier')
    })

    test('what decide throws is rejected with, and nothing is written', async (t) => {
      const { roles, database } = await openRoles(t, open)
      const failure = new RangeError('no')
      const update = () =>
        roles.update('baker', ANY_VERSION, () => {
          throw failure
        })
      await changingNothing(database, () => assert.rejects(update, failure))
    })

    test('a removal waits for a grant that is not yet committed, and then is refused', async (t) => {
      const { roles, rig } = await openRoles(t, open)
      const release = await holding(rig, grant('B1'))
      const removal = assert.rejects(remove(roles, 'cashier'), { code: 'role-in-use' })
      await roundTrip(rig.database)
      await release()
      await removal
    })

    test('of a grant and a removal at the same time, one is done', async (t) => {
      const { roles, other, database, read } = await openRoles(t, open)
      const granting = sqlUserStore(other).updateWithRoles(1, ANY_VERSION, (_, catalogue) => {
        if (!catalogue.roles.some(({ role }) => role === 'cashier')) throw new RangeError('no such role')
        return [{ type: 'role-granted', userId: 1, at: AT, role: 'cashier', branchId: 'B1' }]
      })
      const results = await Promise.allSettled([granting, remove(roles, 'cashier')])
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
      const held = await database.query('SELECT role FROM user_roles')
      assert.equal(held.length, (await read()).roles.length - 1, 'who holds a role holds one that there is')
    })

    test('definitions at two replicas lose nothing of each other', async (t) => {
      const { database, other, read } = await openRoles(t, open)
      const replicas = [sqlRoleStore(database), sqlRoleStore(other)]
      await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          define(replicas[index % 2] ?? assert.fail(), { ...CASHIER, role: `role-${index}` }),
        ),
      )
      const { roles } = await read()
      assert.equal(roles.length, 12)
      for (const role of roles) assert.deepEqual(role.permissions, role.role === 'baker' ? [] : CASHIER.permissions)
    })
  })
}
