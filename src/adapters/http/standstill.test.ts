import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Standstill, type StandstillLimits, standstill } from './standstill.ts'

const LIMITS: StandstillLimits = { least: 3, afterMs: 5_000, checkEveryMs: 500 }

/** Time passes when it is told to. */
function start() {
  let nowMs = 1_000_000
  let timers = 0
  let found = 0
  let check: () => void = () => undefined
  const watch = standstill({
    ...LIMITS,
    found: () => {
      found += 1
    },
    now: () => nowMs,
    every(_ms, run) {
      timers += 1
      check = run
      return () => {
        timers -= 1
      }
    },
  })
  const call = (isSent: () => boolean = () => true) => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    const told: string[] = []
    watch.watch(promise, isSent).then(
      () => told.push('answered'),
      (error: unknown) => told.push(error instanceof Standstill ? 'given up' : 'failed'),
    )
    return { resolve: () => settled(() => resolve('')), reject: () => settled(() => reject(new Error())), told }
  }
  const settled = async (act: () => void) => {
    act()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const pass = (ms: number) =>
    settled(() => {
      for (const endMs = nowMs + ms; nowMs < endMs; ) {
        nowMs += LIMITS.checkEveryMs
        if (timers > 0) check()
      }
    })
  return { call, pass, waiting: watch.waiting, found: () => found, timers: () => timers }
}

const of = (calls: { told: string[] }[]) => calls.map(({ told }) => told.join() || 'waits').join(' ')

test('when none of enough calls is answered, those that have waited for long enough are given up', async () => {
  const { call, pass, waiting, timers, found } = start()
  const old = [call(), call()]
  await pass(1_000)
  const young = call()
  await pass(3_500)
  assert.equal(of([...old, young]), 'waits waits waits')
  await pass(500)
  assert.equal(of([...old, young]), 'given up given up waits')
  assert.deepEqual([waiting(), timers(), found()], [1, 1, 1])
})

test('those that were among them are given up in their turn, though few are left, unless one is answered', async () => {
  for (const isAnswered of [false, true]) {
    const { call, pass } = start()
    const calls = [call(), call()]
    await pass(2_000)
    const young = call()
    await pass(3_000)
    // Whoever comes now may be slow again by chance.
    const late = call()
    assert.equal(of(calls), 'given up given up')
    if (isAnswered) await call().resolve()
    await pass(60_000)
    assert.equal(of([young, late]), isAnswered ? 'waits waits' : 'given up waits')
  }
})

test('few may all be slow by chance', async () => {
  const { call, pass } = start()
  const calls = [call(), call()]
  await pass(60_000)
  assert.equal(of(calls), 'waits waits')
})

test('a single answer, and nobody is given up until as long after it; a failure is none', async () => {
  const { call, pass } = start()
  const calls = [call(), call(), call()]
  await pass(4_500)
  await call().resolve()
  await pass(4_500)
  assert.equal(of(calls), 'waits waits waits')
  await call().reject()
  await pass(500)
  assert.equal(of(calls), 'given up given up given up')
})

test('one answer a second gives up nobody, however long the others wait', async () => {
  const { call, pass } = start()
  const calls = Array.from({ length: 20 }, () => call())
  for (let i = 0; i < 60; i += 1) {
    await pass(1_000)
    await call().resolve()
  }
  assert.ok(calls.every(({ told }) => told.length === 0))
})

test('whoever is still sending does not wait yet', async () => {
  const { call, pass } = start()
  let isSent = false
  const upload = call(() => isSent)
  const others = [call(), call()]
  await pass(10_000)
  assert.equal(of([upload, ...others]), 'waits waits waits')
  isSent = true
  await pass(4_500)
  // It is the third that waits, though not for long enough.
  assert.equal(of([upload, ...others]), 'waits given up given up')
  const more = [call(), call()]
  await pass(500)
  assert.equal(of([upload, ...more]), 'given up waits waits')
})

test('there is a timer only while somebody waits', async () => {
  const { call, timers, waiting } = start()
  assert.equal(timers(), 0)
  const [one, other] = [call(), call()]
  assert.equal(timers(), 1)
  await one.resolve()
  assert.equal(timers(), 1)
  await other.reject()
  assert.deepEqual([timers(), waiting(), of([one, other])], [0, 0, 'answered failed'])
})
