import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Mode, PARACHUTE, type RouteSetting } from '../../domain/strangler.ts'
import { routeModes } from '../modes.ts'
import { parachute } from './parachute.ts'

const AT = '2024-06-01T09:00:00.000Z'
const ROUTES = [
  { id: 'get-user', method: 'GET', path: '/users/:id/' },
  { id: 'get-roster', method: 'GET', path: '/rosters/:id/' },
] as const
const setting = (mode: Mode, reason = 'r'): RouteSetting => ({ ...mode, reason, by: 'b', at: AT })
const CANARY = setting({ mode: 'canary', percent: 5 })
const settled = () => new Promise((resolve) => setImmediate(resolve))

function start(
  t: TestContext,
  { writing = async (): Promise<unknown> => undefined, from = new Map<string, Mode>() } = {},
) {
  const ignore = () => undefined
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore }
  const modes = routeModes({ routes: ROUTES, start: from, onMode: ignore, log })
  const written: { route: string; from: RouteSetting | null; to: RouteSetting }[] = []
  const opened: string[] = []
  let nowMs = 0
  const watching = parachute({
    routeIds: ROUTES.map(({ id }) => id),
    modes,
    async setBack(route, from, to) {
      written.push({ route, from, to })
      await writing()
    },
    opened: (route) => void opened.push(route),
    log,
    now: () => nowMs,
    wallClock: () => new Date(AT),
  })
  t.after(watching.stop)
  const obey = (settings: Record<string, RouteSetting>) =>
    modes.obey(new Map(Object.entries(settings).map(([id, value]) => [`route:${id}`, JSON.stringify(value)])))
  const modeOf = (id: string) => modes.of(id).mode.mode
  const fail = (times = 30, id = 'get-user') => {
    for (let i = 0; i < times; i += 1) watching.answered(id, 'native', true, 1)
  }
  return {
    watching,
    obey,
    modeOf,
    fail,
    written,
    opened,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

test('a canary that fails is set back, here at once and by way of its switch, with the reason', async (t) => {
  const { watching, obey, modeOf, fail, written, opened } = start(t)
  obey({ 'get-user': CANARY, 'get-roster': CANARY })
  fail()
  watching.judge()
  assert.deepEqual([modeOf('get-user'), modeOf('get-roster')], ['legacy', 'canary'])
  const reason = '100 % of our answers failed (30 of 30), 0 % of the legacy application’s'
  const to = { mode: 'legacy', reason, by: PARACHUTE, at: AT, judged: CANARY.at }
  assert.deepEqual(written, [{ route: 'get-user', from: CANARY, to }])
  await settled()
  watching.judge()
  assert.equal(written.length, 1, 'once written it is not written again')
  assert.deepEqual(opened, ['get-user'])
})

test('what somebody sets back by hand is none of its doing', (t) => {
  const { watching, obey, fail, opened } = start(t)
  obey({ 'get-user': CANARY })
  fail()
  obey({ 'get-user': setting({ mode: 'legacy' }, 'by hand') })
  watching.judge()
  assert.deepEqual(opened, [])
})

test('what differs sets a canary back, too', (t) => {
  const { watching, obey, modeOf } = start(t)
  obey({ 'get-user': CANARY })
  for (let i = 0; i < 20; i += 1) watching.compared('get-user', i % 4 === 0 ? 'mismatch' : 'equal')
  watching.judge()
  assert.equal(modeOf('get-user'), 'legacy')
})

test('where only we answer, we are measured by what the legacy application does for comparisons', (t) => {
  const { watching, obey, modeOf } = start(t)
  obey({ 'get-user': setting({ mode: 'canary', percent: 100 }) })
  for (let i = 0; i < 30; i += 1) {
    watching.answered('get-user', 'native', false, 900)
    watching.asked('get-user', false, 20)
  }
  watching.judge()
  assert.equal(modeOf('get-user'), 'legacy')
})

for (const mode of ['native', 'shadow', 'legacy'] as const)
  test(`a route in ${mode} is left where it is`, (t) => {
    const { watching, obey, modeOf, fail, written } = start(t)
    obey({ 'get-user': setting({ mode }) })
    fail()
    watching.judge()
    assert.deepEqual([modeOf('get-user'), written], [mode, []])
  })

test('what was seen before the route came into its mode does not count', (t) => {
  const { watching, obey, modeOf, fail } = start(t)
  obey({ 'get-user': setting({ mode: 'native' }) })
  fail()
  obey({ 'get-user': CANARY })
  watching.judge()
  assert.equal(modeOf('get-user'), 'canary')
  fail()
  obey({ 'get-user': setting({ mode: 'canary', percent: 5 }, 'mended') })
  watching.judge()
  assert.equal(modeOf('get-user'), 'canary', 'said anew, it is looked at anew')
})

test('that cannot be written: it is legacy here all the same, and written at the next look', async (t) => {
  let failures = 2
  const writing = async () => {
    failures -= 1
    if (failures >= 0) throw new Error('planted')
  }
  const { watching, obey, modeOf, fail, written } = start(t, { writing })
  obey({ 'get-user': CANARY })
  fail()
  for (const times of [1, 2, 3, 3]) {
    watching.judge()
    await settled()
    assert.deepEqual([modeOf('get-user'), written.length], ['legacy', times])
  }
})

test('while it is being written nothing is written beside', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { watching, obey, fail, written } = start(t, { writing: () => gate.promise })
  obey({ 'get-user': CANARY })
  fail()
  watching.judge()
  watching.judge()
  await settled()
  assert.equal(written.length, 1)
  gate.resolve()
  await settled()
  watching.judge()
  assert.equal(written.length, 1)
})

test('a canary of a route that nobody knows counts nothing', (t) => {
  const { watching } = start(t)
  watching.answered('none', 'native', true, 1)
  watching.compared('none', 'mismatch')
  watching.judge()
})

test('one that is a canary from the start is set back as well, and what was seen stays under its start', (t) => {
  const { watching, modeOf, fail, written } = start(t, { from: new Map([['get-user', CANARY]]) })
  fail()
  watching.judge()
  assert.equal(modeOf('get-user'), 'legacy')
  assert.deepEqual(
    written.map(({ from, to }) => [from, to.judged]),
    [[null, 'start']],
  )
})
