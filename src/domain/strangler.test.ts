import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { refusal } from '../../test/support/users.ts'
import {
  BUCKETS,
  bucketOf,
  checkMode,
  isNative,
  isSameMode,
  type Mode,
  modeFrom,
  modeText,
  percentOf,
  routeSettingFrom,
  routeSwitch,
} from './strangler.ts'

const canary = (percent: number): Mode => ({ mode: 'canary', percent })

test('a mode is one of four, and a canary has a percentage above 0, at most 100', () => {
  for (const mode of [{ mode: 'legacy' }, { mode: 'shadow' }, { mode: 'native' }, canary(0.01), canary(100)])
    assert.deepEqual(modeFrom(mode), mode)
  assert.deepEqual(modeFrom({ mode: 'native', percent: 5, reason: 'r' }), { mode: 'native' })
  for (const none of [
    null,
    undefined,
    'native',
    5,
    [],
    {},
    { mode: 'Native' },
    { mode: 'canary' },
    canary(0),
    canary(-1),
    canary(100.1),
    canary(Number.NaN),
    { mode: 'canary', percent: '5' },
  ])
    assert.equal(modeFrom(none), null, JSON.stringify(none))
})

test('a setting that cannot be read is none', () => {
  const setting = { mode: 'canary', percent: 5, reason: 'r', by: 'b', at: 't' }
  for (const whole of [setting, { ...setting, judged: 'start' }])
    assert.deepEqual(routeSettingFrom(JSON.stringify(whole)), whole)
  for (const text of [
    null,
    '',
    '{',
    'null',
    '5',
    '{"mode":"native"}',
    JSON.stringify({ ...setting, by: 5 }),
    JSON.stringify({ ...setting, percent: 0 }),
  ])
    assert.equal(routeSettingFrom(text), null, String(text))
})

test('what changes something is never in shadow', () => {
  const write = { name: 'PATCH:/users/:id', method: 'PATCH' }
  for (const mode of [{ mode: 'legacy' }, canary(1), { mode: 'native' }] as Mode[]) checkMode(write, mode)
  assert.throws(() => checkMode(write, { mode: 'shadow' }), refusal('mode-not-allowed', '/mode'))
  checkMode({ name: 'GET:/users/:id', method: 'GET' }, { mode: 'shadow' })
})

test('clients are spread evenly: consecutive numbers, names and addresses', () => {
  const kinds: [string, (i: number) => string][] = [
    ['ids', (i) => String(i)],
    ['terminals', (i) => `TRS-${String(i).padStart(6, '0')}`],
    ['addresses', (i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`],
  ]
  const clients = 20_000
  for (const [kind, keyOf] of kinds)
    for (const percent of [1, 5, 25, 50]) {
      let native = 0
      for (let i = 1; i <= clients; i += 1) if (isNative(canary(percent), keyOf(i))) native += 1
      const expected = (clients * percent) / 100
      // Six standard deviations of a fair draw.
      const most = 6 * Math.sqrt(expected * (1 - percent / 100))
      assert.ok(Math.abs(native - expected) < most, `${kind}: ${native} of ${clients} at ${percent} %`)
    }
})

test('who is in a small canary is in each larger one, and in none of 0', () => {
  fc.assert(
    fc.property(fc.string(), fc.double({ min: 0.01, max: 100, noNaN: true }), (key, percent) => {
      const bucket = bucketOf(key)
      assert.ok(Number.isInteger(bucket) && bucket >= 0 && bucket < BUCKETS)
      if (isNative(canary(percent), key)) assert.ok(isNative(canary(Math.min(100, percent * 2)), key))
      assert.ok(isNative(canary(100), key))
      assert.ok(isNative({ mode: 'native' }, key))
      assert.ok(!isNative({ mode: 'legacy' }, key) && !isNative({ mode: 'shadow' }, key))
    }),
    { seed: 8 },
  )
})

test('modes in words', () => {
  assert.deepEqual([modeText({ mode: 'shadow' }), modeText(canary(0.5))], ['shadow', 'canary 0.5 %'])
})

test('modes are the same when they say the same, and a canary when its share is', () => {
  assert.ok(isSameMode({ mode: 'shadow' }, { mode: 'shadow' }) && isSameMode(canary(5), canary(5)))
  assert.ok(!isSameMode({ mode: 'shadow' }, { mode: 'native' }) && !isSameMode(canary(5), canary(6)))
  assert.deepEqual([percentOf(canary(5)), percentOf({ mode: 'native' })], [5, null])
  assert.equal(routeSwitch('get-user'), 'route:get-user')
})

test('a client is native from the very share on in which its bucket lies', () => {
  const key = Array.from({ length: 1_000 }, (_, i) => `key ${i}`).find((one) => bucketOf(one) > 0) ?? ''
  const bucket = bucketOf(key)
  assert.equal(isNative(canary((bucket * 100) / BUCKETS), key), false)
  assert.equal(isNative(canary(((bucket + 1) * 100) / BUCKETS), key), true)
  // As it was on the day on which it was written: else all clients would change sides with a release.
  assert.deepEqual(['', 'a', 'till-17'].map(bucketOf), [8923, 1715, 3568])
})
