import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal } from '../../../test/support/users.ts'
import { UNLIMITED } from '../../domain/authority.ts'
import type { SwitchChange } from '../../ports/switches.ts'
import { releaseBreaker } from './handler.ts'

const BY = { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED }

/** Releases a breaker whose switch holds `setting`; answers what was decided each time the store asked, and the answer. */
async function released(setting: string | null, neighbour = 'people-service') {
  const changes: (SwitchChange | null)[] = []
  const times = [AT, '2024-06-01T09:00:01.000Z'].values()
  const handle = releaseBreaker({
    switches: {
      async update(name, by, decide) {
        assert.deepEqual([name, by], ['breaker:people-service', BY])
        changes.push(decide(setting), decide(setting))
        return { setting: null, visible: true }
      },
    },
    now: () => new Date(times.next().value ?? Number.NaN),
  })
  return { answer: await handle({ neighbour, by: BY }), changes }
}

for (const setting of [JSON.stringify({ to: 'open', reason: 'r', by: 'local', at: AT }), '{'])
  test(`what is set goes, also what nobody can read: ${setting}`, async () => {
    const { answer, changes } = await released(setting)
    const event = { type: 'breaker-released', neighbour: 'people-service', at: AT }
    const change = { setting: null, entity: { name: 'breaker', id: 'people-service' }, event }
    assert.deepEqual(changes, [change, change])
    assert.deepEqual(answer, { neighbour: 'people-service', forced: null, visible: true })
  })

test('a breaker that nobody has forced: nothing happens', async () => {
  assert.deepEqual((await released(null)).changes, [null, null])
})

test('an unknown neighbour is refused before anything is asked', async () => {
  await assert.rejects(released(null, 'none'), refusal('neighbour-not-found'))
})
