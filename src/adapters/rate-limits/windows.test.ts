import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_CALLERS, windows } from './windows.ts'

const WINDOW_S = 60

/** Windows whose time is the test's. */
function rig(limit: number) {
  let now = 1_000_000
  const counted = windows({ limit, windowS: WINDOW_S, nowMs: () => now })
  const passes = (ms: number): void => {
    now += ms
  }
  return { ...counted, passes }
}

test('so many may come as the limit says, and then none until the window ends', () => {
  const { take, passes } = rig(3)
  assert.deepEqual(take('a'), { allowed: true, limit: 3, remaining: 2, resetS: 60 })
  passes(20_500)
  assert.deepEqual(take('a'), { allowed: true, limit: 3, remaining: 1, resetS: 40 })
  assert.deepEqual(take('a'), { allowed: true, limit: 3, remaining: 0, resetS: 40 })
  assert.deepEqual(take('a'), { allowed: false, limit: 3, remaining: 0, resetS: 40 })
  passes(39_499)
  assert.deepEqual(take('a'), { allowed: false, limit: 3, remaining: 0, resetS: 1 })
  passes(1)
  assert.deepEqual(take('a'), { allowed: true, limit: 3, remaining: 2, resetS: 60 })
})

test('what was refused does not make the window longer', () => {
  const { take, passes } = rig(1)
  for (let ms = 0; ms < 60_000; ms += 100) {
    take('a')
    passes(100)
  }
  assert.equal(take('a')?.allowed, true)
})

test('each caller has a window of their own, that begins when they come', () => {
  const { take, passes } = rig(1)
  take('a')
  passes(30_000)
  assert.deepEqual(take('b'), { allowed: true, limit: 1, remaining: 0, resetS: 60 })
  assert.equal(take('a')?.allowed, false)
  passes(30_000)
  assert.deepEqual([take('a')?.allowed, take('b')?.allowed], [true, false])
})

test('who only looks sees what the next one would, and counts nothing', () => {
  const { take, look, passes } = rig(2)
  assert.deepEqual(look('a'), { allowed: true, limit: 2, remaining: 1, resetS: 60 })
  take('a')
  assert.deepEqual(look('a'), { allowed: true, limit: 2, remaining: 0, resetS: 60 })
  take('a')
  assert.deepEqual(look('a'), { allowed: false, limit: 2, remaining: 0, resetS: 60 })
  assert.deepEqual(look('a'), look('a'))
  passes(60_000)
  assert.equal(look('a')?.allowed, true)
})

test('one that is given back was never counted', () => {
  const { take, look, giveBack, passes } = rig(2)
  giveBack('a')
  take('a')
  take('a')
  giveBack('a')
  assert.deepEqual(take('a'), { allowed: true, limit: 2, remaining: 0, resetS: 60 })
  for (let i = 0; i < 9; i += 1) giveBack('a')
  assert.equal(look('a')?.remaining, 1, 'and nobody has more than there is')
  passes(60_000)
  assert.equal(look('a')?.remaining, 1)
})

test('without a limit nobody is counted', () => {
  const { take, look, giveBack } = rig(0)
  giveBack('a')
  assert.deepEqual([take('a'), look('a')], [null, null])
})

test('only so many callers are remembered; who was seen last is not forgotten for those who come once', () => {
  const { take } = rig(1)
  take('regular')
  for (let i = 0; i < 3 * MAX_CALLERS; i += 1) {
    take(`stranger ${i}`)
    if (i % 1_000 === 0) assert.equal(take('regular')?.allowed, false)
  }
  assert.equal(take('stranger 0')?.allowed, true)
  assert.equal(take(`stranger ${3 * MAX_CALLERS - 1}`)?.allowed, false)
})

test('where all who are remembered come again and again, a new one is counted all the same', () => {
  const { take } = rig(2)
  for (const _ of ['begins', 'comes again']) for (let i = 0; i < MAX_CALLERS; i += 1) take(`regular ${i}`)
  assert.equal(take('new')?.remaining, 1)
  assert.equal(take('new')?.remaining, 0)
  assert.equal(take('new')?.allowed, false)
})
