import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT } from '../../../test/support/users.ts'
import { UNLIMITED } from '../../domain/authority.ts'
import type { RoleCatalogue, RoleEvent } from '../../domain/role.ts'
import { defineRole } from './handler.ts'

const context = { expectedVersions: [3], by: { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED } }
const role = { role: 'cashier', title: 'Cashier', privileged: false, permissions: [] }

/** Defines `role` on a catalogue; answers what the store was asked for, and what was decided each time it asked. */
async function decided(catalogue: RoleCatalogue) {
  const asked: unknown[] = []
  const events: RoleEvent[][] = []
  const times = [AT, '2024-06-01T09:00:01.000Z'].values()
  const handle = defineRole({
    roles: {
      async update(name, given, decide) {
        asked.push(name, given)
        // A store begins again when it was overtaken.
        events.push(decide(catalogue, 0), decide(catalogue, 0))
        return { version: 4, visible: true }
      },
    },
    now: () => new Date(times.next().value ?? Number.NaN),
  })
  assert.deepEqual(await handle({ role, context }), { version: 4, visible: true })
  assert.deepEqual(asked, ['cashier', context])
  return events
}

test('a new role is defined, as of the time of the command, however often the store decides', async () => {
  const defined: RoleEvent = { type: 'role-defined', role, at: AT }
  assert.deepEqual(await decided({ version: 3, roles: [] }), [[defined], [defined]])
})

test('a role that is so already: nothing happens', async () => {
  assert.deepEqual(await decided({ version: 3, roles: [role] }), [[], []])
})
