import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mode, RouteSetting } from '../domain/strangler.ts'
import { routeModes, routeNamed, startModes } from './modes.ts'

const ROUTES = [
  { id: 'get-user', method: 'GET', path: '/users/:id/' },
  { id: 'change-user', method: 'PATCH', path: '/users/:id/' },
] as const
const setting = (mode: Mode): RouteSetting => ({ ...mode, reason: 'r', by: 'b', at: '2024-06-01T09:00:00.000Z' })
const LEGACY = { mode: 'legacy' }

function start(startWith: [string, Mode][] = []) {
  const told: string[] = []
  const warned: unknown[] = []
  const ignore = () => undefined
  const modes = routeModes({
    routes: ROUTES,
    start: new Map(startWith),
    onMode: (id, mode) => void told.push(`${id} ${mode.mode}`),
    log: { debug: ignore, info: ignore, warn: (fields: object) => void warned.push(fields), error: ignore },
  })
  const obey = (settings: Record<string, RouteSetting | string>) =>
    modes.obey(
      new Map(
        Object.entries(settings).map(([id, value]) => [
          `route:${id}`,
          typeof value === 'string' ? value : JSON.stringify(value),
        ]),
      ),
    )
  return { modes, obey, told, warned }
}

test('what is set goes before the start value, which goes before legacy; what is unset falls back', () => {
  const { modes, obey } = start([['get-user', { mode: 'native' }]])
  assert.deepEqual(modes.of('get-user').mode, { mode: 'native' })
  assert.deepEqual(modes.of('change-user').mode, LEGACY)
  const canary = setting({ mode: 'canary', percent: 5 })
  obey({ 'get-user': canary })
  assert.deepEqual([modes.of('get-user').mode, modes.of('get-user').setting], [{ mode: 'canary', percent: 5 }, canary])
  obey({})
  assert.deepEqual([modes.of('get-user').mode, modes.of('get-user').setting], [{ mode: 'native' }, null])
})

test('each route is told of at the start, and then only when it is in another mode', () => {
  const { obey, told } = start()
  assert.deepEqual(told.splice(0), ['get-user legacy', 'change-user legacy'])
  obey({ 'get-user': setting({ mode: 'shadow' }) })
  obey({ 'get-user': setting({ mode: 'shadow' }), 'change-user': setting({ mode: 'native' }) })
  assert.deepEqual(told, ['get-user shadow', 'change-user native'])
})

for (const [what, id, text] of [
  ['that nobody can read', 'get-user', '{'],
  ['of a mode that there is not', 'get-user', '{"mode":"half","reason":"r","by":"b","at":"t"}'],
  ['that would do something twice', 'change-user', JSON.stringify(setting({ mode: 'shadow' }))],
] as const)
  test(`a setting ${what} leaves the route to the legacy application, whatever it starts with, and is said`, () => {
    const { modes, obey, warned } = start([[id, { mode: 'native' }]])
    obey({ [id]: text })
    assert.deepEqual([modes.of(id).mode, warned], [LEGACY, [{ route: id }]])
  })

test('switches of other kinds and unknown routes are left alone', () => {
  const { modes, obey, told } = start()
  told.length = 0
  obey({ none: setting({ mode: 'native' }) })
  modes.obey(new Map([['breaker:get-user', '{}']]))
  assert.deepEqual([told, modes.of('none').mode], [[], LEGACY])
})

test('what is set back here stays so until the switch says something else', () => {
  const { modes, obey } = start()
  const [canary, back] = [setting({ mode: 'canary', percent: 5 }), setting({ mode: 'legacy' })]
  obey({ 'get-user': canary })
  modes.setBack('get-user', back)
  assert.deepEqual([modes.of('get-user').mode, modes.of('get-user').setting], [LEGACY, back])
  obey({ 'get-user': canary, 'change-user': setting({ mode: 'native' }) })
  assert.deepEqual(modes.of('get-user').mode, LEGACY, 'the old setting, read again')
  obey({ 'get-user': { ...canary, reason: 'again' } })
  assert.deepEqual(modes.of('get-user').mode, { mode: 'canary', percent: 5 })
})

test('what is in force is one value until it changes', () => {
  const { modes, obey } = start()
  const before = modes.of('get-user')
  obey({ 'change-user': setting({ mode: 'native' }) })
  assert.equal(modes.of('get-user'), before)
})

test('a file of start values names routes by id or name; a canary is an object', () => {
  const given = { 'get-user': { mode: 'canary', percent: 5 }, 'PATCH:/users/:id/': 'native' }
  assert.deepEqual(
    [...startModes(given, ROUTES)],
    [
      ['get-user', { mode: 'canary', percent: 5 }],
      ['change-user', { mode: 'native' }],
    ],
  )
  for (const wrong of [
    { none: 'native' },
    { 'get-user': 'half' },
    { 'get-user': 'canary' },
    { 'change-user': 'shadow' },
  ])
    assert.throws(() => startModes(wrong, ROUTES), JSON.stringify(wrong))
})

test('a route is found by its id, and by its name with or without the slash at the end', () => {
  for (const name of ['get-user', 'GET:/users/:id', 'GET:/users/:id/'])
    assert.equal(routeNamed(ROUTES, name)?.id, 'get-user')
  assert.equal(routeNamed(ROUTES, 'PATCH:/users/:id')?.id, 'change-user')
  for (const name of ['', 'users', 'GET:/users', 'get:/users/:id']) assert.equal(routeNamed(ROUTES, name), undefined)
})
