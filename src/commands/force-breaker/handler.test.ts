import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal } from '../../../test/support/users.ts'
import { UNLIMITED } from '../../domain/authority.ts'
import type { Override } from '../../domain/breaker.ts'
import { MAX_SETTING_BYTES, type SwitchChange } from '../../ports/switches.ts'
import { forceBreaker } from './handler.ts'

const BY = { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED }
const LATER = '2024-06-01T09:00:01.000Z'
const command = { neighbour: 'people-service', to: 'open', reason: 'maintenance', by: BY } as const
const wanted: Override = { to: 'open', reason: 'maintenance', by: 'local', at: AT }

/** Forces a breaker whose switch holds `setting`; answers what was decided each time the store asked, and the answer. */
async function forced(setting: string | null, differing: Partial<Parameters<ReturnType<typeof forceBreaker>>[0]> = {}) {
  const changes: (SwitchChange | null)[] = []
  const asked: unknown[] = []
  const times = [AT, LATER].values()
  const handle = forceBreaker({
    switches: {
      async update(name, by, decide) {
        asked.push(name, by)
        // A store begins again when it was overtaken.
        changes.push(decide(setting), decide(setting))
        const [change] = changes
        return { setting: change ? change.setting : setting, visible: false }
      },
    },
    now: () => new Date(times.next().value ?? Number.NaN),
  })
  const answer = await handle({ ...command, ...differing })
  return { changes, asked, answer }
}

test('it is forced as of the time of the command, however often the store decides, and says who and why', async () => {
  const { changes, asked, answer } = await forced(null)
  const event = { type: 'breaker-forced', neighbour: 'people-service', forced: 'open', reason: 'maintenance', at: AT }
  const change = { setting: JSON.stringify(wanted), entity: { name: 'breaker', id: 'people-service' }, event }
  assert.deepEqual(changes, [change, change])
  assert.deepEqual(asked, ['breaker:people-service', BY])
  assert.deepEqual(answer, { neighbour: 'people-service', forced: wanted, visible: false })
})

test('what is so already changes nothing, whoever said it and when, and says that', async () => {
  const before = { ...wanted, by: 'somebody', at: LATER }
  const { changes, answer } = await forced(JSON.stringify(before))
  assert.deepEqual(changes, [null, null])
  assert.deepEqual(answer.forced, before)
})

const NEWS: [what: string, before: string][] = [
  ['the other way', JSON.stringify({ ...wanted, to: 'closed' })],
  ['another reason', JSON.stringify({ ...wanted, reason: 'timeouts' })],
  ['something in place of what nobody can read', '{'],
]
for (const [what, before] of NEWS) {
  test(`${what} is news`, async () => {
    const { changes, answer } = await forced(before)
    assert.equal(changes[0]?.setting, JSON.stringify(wanted))
    assert.deepEqual(answer.forced, wanted)
  })
}

test('the longest reasons and names fit into the switch', async () => {
  for (const reason of ['👋'.repeat(255), '"'.repeat(255)]) {
    const { changes } = await forced(null, { reason, by: { ...BY, name: 'é'.repeat(128) } })
    assert.ok(Buffer.byteLength(changes[0]?.setting ?? assert.fail()) <= MAX_SETTING_BYTES)
  }
})

test('an unknown neighbour is refused before anything is asked', async () => {
  await assert.rejects(forced(null, { neighbour: 'none' }), refusal('neighbour-not-found'))
})
