import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RouteModeSetting, RouteParam } from './strangler.ts'

const canary = { mode: 'canary', percent: 5, reason: 'no difference' }

test('a route is set to a mode with a reason, a canary with a percentage of hundredths', () => {
  for (const mode of ['legacy', 'shadow', 'native'])
    assert.deepEqual(RouteModeSetting.parse({ mode, reason: 'x' }), { mode, reason: 'x' })
  for (const percent of [0.01, 0.07, 1, 5.25, 33.33, 100])
    assert.deepEqual(RouteModeSetting.parse({ ...canary, percent }), { ...canary, percent })
})

const BAD: [what: string, body: unknown, fault: PropertyKey[]][] = [
  ['no mode', { reason: 'x' }, ['mode']],
  ['a mode that there is not', { mode: 'half', reason: 'x' }, ['mode']],
  ['a canary without a percentage', { mode: 'canary', reason: 'x' }, ['percent']],
  ['a percentage of another mode', { mode: 'native', percent: 5, reason: 'x' }, ['percent']],
  ['nobody', { ...canary, percent: 0 }, ['percent']],
  ['more than all', { ...canary, percent: 100.01 }, ['percent']],
  ['finer than clients are drawn', { ...canary, percent: 0.005 }, ['percent']],
  ['a percentage as text', { ...canary, percent: '5' }, ['percent']],
  ['no reason', { mode: 'native' }, ['reason']],
  ['an empty reason', { ...canary, reason: ' ' }, ['reason']],
  ['a reason that is too long', { ...canary, reason: 'x'.repeat(256) }, ['reason']],
  ['more', { ...canary, sticky: 'user' }, []],
]
for (const [what, body, fault] of BAD)
  test(`${what} is refused at its place`, () => {
    assert.deepEqual(
      RouteModeSetting.safeParse(body).error?.issues.map(({ path }) => path),
      [fault],
    )
  })

test('a route’s id is what a path may hold', () => {
  for (const id of ['get-user', 'a', 'a1']) assert.ok(RouteParam.safeParse(id).success, id)
  for (const id of ['', '1a', 'A', 'a_b', 'GET:/users', 'a'.repeat(33)])
    assert.ok(!RouteParam.safeParse(id).success, id)
})
