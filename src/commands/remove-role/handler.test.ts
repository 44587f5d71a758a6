import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal } from '../../../test/support/users.ts'
import { UNLIMITED } from '../../domain/authority.ts'
import type { RoleEvent } from '../../domain/role.ts'
import { removeRole } from './handler.ts'

const context = { expectedVersions: null, by: { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED } }
const CATALOGUE = { version: 3, roles: [{ role: 'cashier', title: 'Cashier', privileged: false, permissions: [] }] }

/** Removes a role that has so many holders; answers what was decided each time the store asked. */
async function decided(role: string, holders: number): Promise<RoleEvent[][]> {
  const events: RoleEvent[][] = []
  const times = [AT, '2024-06-01T09:00:01.000Z'].values()
  const handle = removeRole({
    roles: {
      async update(name, given, decide) {
        assert.deepEqual([name, given], [role, context])
        events.push(decide(CATALOGUE, holders), decide(CATALOGUE, holders))
        return { version: 4, visible: true }
      },
    },
    now: () => new Date(times.next().value ?? Number.NaN),
  })
  await handle({ role, context })
  return events
}

test('a role that nobody holds is removed, as of the time of the command, however often the store decides', async () => {
  const removed: RoleEvent = { type: 'role-removed', role: 'cashier', at: AT }
  assert.deepEqual(await decided('cashier', 0), [[removed], [removed]])
})

test('a role that is not there: nothing happens', async () => {
  assert.deepEqual(await decided('baker', 0), [[], []])
})

test('a role that somebody holds can’t be removed', async () => {
  await assert.rejects(decided('cashier', 1), refusal('role-in-use', '/role'))
})
