import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal } from '../../../test/support/users.ts'
import { UNLIMITED } from '../../domain/authority.ts'
import type { SwitchChange } from '../../ports/switches.ts'
import { resetRoute } from './handler.ts'

const BY = { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED }

/** Resets a route whose switch holds `setting`; answers what was decided each time the store asked, and the answer. */
async function done(setting: string | null, route = 'get-user') {
  const changes: (SwitchChange | null)[] = []
  const times = [AT, '2024-06-01T09:00:01.000Z'].values()
  const handle = resetRoute({
    switches: {
      async update(name, by, decide) {
        assert.deepEqual([name, by], ['route:get-user', BY])
        changes.push(decide(setting), decide(setting))
        return { setting: null, visible: true }
      },
    },
    legacyRoutes: [{ id: 'get-user' }],
    now: () => new Date(times.next().value ?? Number.NaN),
  })
  return { answer: await handle({ route, by: BY }), changes }
}

for (const setting of [JSON.stringify({ mode: 'native', reason: 'r', by: 'local', at: AT }), '{'])
  test(`what is set goes, also what nobody can read: ${setting}`, async () => {
    const { answer, changes } = await done(setting)
    const event = { type: 'route-reset', route: 'get-user', at: AT }
    const change = { setting: null, entity: { name: 'route', id: 'get-user' }, event }
    assert.deepEqual(changes, [change, change])
    assert.deepEqual(answer, { route: 'get-user', setting: null, visible: true })
  })

test('a route that nobody has set: nothing happens', async () => {
  assert.deepEqual((await done(null)).changes, [null, null])
})

test('an unknown route is refused before anything is asked', async () => {
  await assert.rejects(done(null, 'none'), refusal('route-not-found'))
})
