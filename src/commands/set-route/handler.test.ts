import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AT, refusal } from '../../../test/support/users.ts'
import { UNLIMITED } from '../../domain/authority.ts'
import type { RouteSetting } from '../../domain/strangler.ts'
import { MAX_SETTING_BYTES, type SwitchChange } from '../../ports/switches.ts'
import { setRoute } from './handler.ts'

const BY = { name: 'local', requestId: 'r1', address: '127.0.0.1', ...UNLIMITED }
const LATER = '2024-06-01T09:00:01.000Z'
const ROUTES = [
  { id: 'get-user', method: 'GET', path: '/users/:id/' },
  { id: 'change-user', method: 'PATCH', path: '/users/:id/' },
] as const
type Command = Parameters<ReturnType<typeof setRoute>>[0]
const command: Command = { route: 'get-user', to: { mode: 'canary', percent: 5 }, reason: 'no difference', by: BY }
const wanted: RouteSetting = { mode: 'canary', percent: 5, reason: 'no difference', by: 'local', at: AT }

/** Sets a route whose switch holds `setting`; answers what was decided each time the store asked, and the answer. */
async function done(setting: string | null, differing: Partial<Command> = {}) {
  const changes: (SwitchChange | null)[] = []
  const asked: unknown[] = []
  const times = [AT, LATER].values()
  const handle = setRoute({
    switches: {
      async update(name, by, decide) {
        asked.push(name, by)
        // A store begins again when it was overtaken.
        changes.push(decide(setting), decide(setting))
        const [change] = changes
        return { setting: change ? change.setting : setting, visible: false }
      },
    },
    legacyRoutes: ROUTES,
    now: () => new Date(times.next().value ?? Number.NaN),
  })
  return { answer: await handle({ ...command, ...differing }), changes, asked }
}

test('it is set as of the time of the command, however often the store decides, and says who and why', async () => {
  const { changes, asked, answer } = await done(null)
  const event = { type: 'route-set', route: 'get-user', mode: 'canary', percent: 5, reason: 'no difference', at: AT }
  const change = { setting: JSON.stringify(wanted), entity: { name: 'route', id: 'get-user' }, event }
  assert.deepEqual(changes, [change, change])
  assert.deepEqual(asked, ['route:get-user', BY])
  assert.deepEqual(answer, { route: 'get-user', setting: wanted, visible: false })
})

test('what is so already changes nothing, whoever said it and when, and says that', async () => {
  const before = { ...wanted, by: 'somebody', at: LATER }
  const { changes, answer } = await done(JSON.stringify(before))
  assert.deepEqual(changes, [null, null])
  assert.deepEqual(answer.setting, before)
})

const NEWS: [what: string, before: string][] = [
  ['another mode', JSON.stringify({ ...wanted, mode: 'shadow' })],
  ['another percentage', JSON.stringify({ ...wanted, percent: 1 })],
  ['another reason', JSON.stringify({ ...wanted, reason: 'r' })],
  ['something in place of what nobody can read', '{'],
]
for (const [what, before] of NEWS)
  test(`${what} is news`, async () => {
    assert.equal((await done(before)).changes[0]?.setting, JSON.stringify(wanted))
  })

test('who means a certain setting changes no other, and is told of it', async () => {
  const before = JSON.stringify({ ...wanted, mode: 'shadow', at: LATER })
  for (const [held, ifSetAt, isDone] of [
    [before, LATER, true],
    [before, AT, false],
    [before, null, false],
    [null, null, true],
    [null, AT, false],
    ['{', null, true],
  ] as const) {
    const { changes, answer } = await done(held, { ifSetAt })
    assert.equal(changes[0] !== null, isDone, `${held} ${ifSetAt}`)
    if (!isDone) assert.deepEqual(answer.setting?.at, held === null ? undefined : LATER)
  }
})

test('the longest reasons and names fit into the switch', async () => {
  for (const reason of ['👋'.repeat(255), '"'.repeat(255)]) {
    const { changes } = await done(null, { reason, by: { ...BY, name: 'é'.repeat(128) } })
    assert.ok(Buffer.byteLength(changes[0]?.setting ?? assert.fail()) <= MAX_SETTING_BYTES)
  }
})

test('an unknown route, and a write in shadow, are refused before anything is asked', async () => {
  await assert.rejects(done(null, { route: 'none' }), refusal('route-not-found'))
  const shadow = done(null, { route: 'change-user', to: { mode: 'shadow' } })
  await assert.rejects(shadow, refusal('mode-not-allowed', '/mode'))
})
