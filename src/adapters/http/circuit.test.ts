import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type Circuit, CircuitOpen, circuit } from './circuit.ts'
import { Failure, type Verdict, verdictOf } from './failure.ts'

const OPEN_MS = 1_000
const LIMITS = { leastCalls: 4, illPercent: 50, windowMs: 5_000, openMs: OPEN_MS }
const failure = (verdict: Verdict) => new Failure('people-service', 'timeout', { verdict })

function opened(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'] })
  const changes: string[] = []
  const breaker = circuit({ ...LIMITS, verdictOf, onChange: (state, forced) => changes.push(`${state} ${forced}`) })
  t.after(breaker.stop)
  return { breaker, changes, pass: (ms: number) => t.mock.timers.tick(ms) }
}
/** What it said of calls that went so, each after the one before. */
async function went(breaker: Circuit, ...calls: ('answered' | Verdict)[]): Promise<string[]> {
  const said: string[] = []
  for (const how of calls) {
    const work = async () => {
      if (how !== 'answered') throw failure(how)
    }
    await breaker.run(work).then(
      () => said.push('answered'),
      (error) => said.push(error instanceof CircuitOpen ? 'not asked' : 'failed'),
    )
  }
  return said
}
const ILL = Array.from({ length: LIMITS.leastCalls }, () => 'ill' as const)

describe('a circuit', () => {
  test('opens when more than half of enough calls say that the neighbour is ill', async (t) => {
    const { breaker, changes } = opened(t)
    await went(breaker, 'ill', 'ill', 'ill')
    assert.equal(breaker.state(), 'closed', 'three are not enough')
    await went(breaker, 'answered', 'answered', 'answered')
    assert.equal(breaker.state(), 'closed', 'half is not more than half')
    await went(breaker, 'ill')
    assert.deepEqual([breaker.state(), changes], ['open', ['open null']])
    assert.deepEqual(await went(breaker, 'answered'), ['not asked'])
  })

  test('is not opened by calls to which it has answered, nor by such that say nothing', async (t) => {
    const { breaker } = opened(t)
    for (const verdict of ['well', 'nothing'] as const) {
      await went(breaker, ...Array.from({ length: 40 }, () => verdict))
      assert.equal(breaker.state(), 'closed', verdict)
    }
  })

  test('is kept from opening by no call that says nothing', async (t) => {
    const { breaker } = opened(t)
    await went(breaker, ...ILL.flatMap((ill) => ['nothing' as const, 'nothing' as const, ill]))
    assert.equal(breaker.state(), 'open')
  })

  test('forgets what was long ago', async (t) => {
    const { breaker, pass } = opened(t)
    await went(breaker, 'ill', 'ill', 'ill')
    pass(LIMITS.windowMs + 1_000)
    await went(breaker, 'ill')
    assert.equal(breaker.state(), 'closed')
  })

  test('lets one call through after a while: well closes it', async (t) => {
    for (const how of ['answered', 'well'] as const) {
      const { breaker, pass } = opened(t)
      await went(breaker, ...ILL)
      pass(OPEN_MS - 1)
      assert.deepEqual(await went(breaker, 'answered'), ['not asked'])
      pass(1)
      assert.equal(breaker.state(), 'half-open')
      await went(breaker, how)
      assert.equal(breaker.state(), 'closed', how)
      t.mock.timers.reset()
    }
  })

  test('lets one call through after a while: ill, or nothing, keeps it open for as long again', async (t) => {
    for (const how of ['ill', 'nothing'] as const) {
      const { breaker, pass } = opened(t)
      await went(breaker, ...ILL)
      pass(OPEN_MS)
      await went(breaker, how)
      assert.equal(breaker.state(), 'open', how)
      pass(OPEN_MS)
      assert.deepEqual(await went(breaker, 'answered'), ['answered'])
      t.mock.timers.reset()
    }
  })

  test('begins anew when it closes: what was before counts no more', async (t) => {
    const { breaker, pass } = opened(t)
    await went(breaker, ...ILL)
    pass(OPEN_MS)
    await went(breaker, 'answered', 'ill')
    assert.equal(breaker.state(), 'closed')
  })

  test('tells the one call that tries that it does', async (t) => {
    const { breaker, pass } = opened(t)
    const told: string[] = []
    const work = async (how: string) => void told.push(how)
    await breaker.run(work)
    await went(breaker, ...ILL, ...ILL)
    pass(OPEN_MS)
    await breaker.run(work)
    await breaker.run(work)
    assert.deepEqual(told, ['usual', 'trying', 'usual'])
  })

  test('a call that began before it opened says nothing after it has closed again', async (t) => {
    const { breaker, pass } = opened(t)
    const old = Promise.withResolvers<void>()
    const slow = ILL.map(() => breaker.run(() => old.promise))
    await went(breaker, ...ILL)
    pass(OPEN_MS)
    await went(breaker, 'answered')
    old.reject(failure('ill'))
    await Promise.allSettled(slow)
    assert.equal(breaker.state(), 'closed')
  })

  test('lets one call through only, while that has not ended', async (t) => {
    const { breaker, pass } = opened(t)
    await went(breaker, ...ILL)
    pass(OPEN_MS)
    const { promise, resolve } = Promise.withResolvers<void>()
    const trying = breaker.run(() => promise)
    assert.deepEqual(await went(breaker, 'answered', 'answered'), ['not asked', 'not asked'])
    resolve()
    await trying
    assert.equal(breaker.state(), 'closed')
  })

  test('a call that began before it opened is not the one that tries, however it ends', async (t) => {
    const { breaker, pass } = opened(t)
    const old = Promise.withResolvers<void>()
    const slow = breaker.run(() => old.promise)
    await went(breaker, ...ILL)
    pass(OPEN_MS)
    old.resolve()
    await slow
    assert.equal(breaker.state(), 'half-open')
    assert.deepEqual(await went(breaker, 'ill'), ['failed'])
    assert.equal(breaker.state(), 'open')
  })
})

describe('an operator', () => {
  test('opens it, and it stays open whatever would be', async (t) => {
    const { breaker, changes, pass } = opened(t)
    breaker.force('open')
    assert.deepEqual(await went(breaker, 'answered'), ['not asked'])
    pass(OPEN_MS * 10)
    assert.deepEqual(await went(breaker, 'answered'), ['not asked'])
    breaker.force(null)
    assert.deepEqual(await went(breaker, 'answered'), ['answered'])
    assert.deepEqual(changes, ['open open', 'closed null'])
  })

  test('closes it, and calls go through whatever becomes of them', async (t) => {
    const { breaker, changes } = opened(t)
    await went(breaker, ...ILL)
    breaker.force('closed')
    breaker.force('closed')
    assert.deepEqual(
      await went(breaker, ...ILL, ...ILL, 'answered'),
      [...ILL, ...ILL].map(() => 'failed').concat('answered'),
    )
    breaker.force('open')
    breaker.force(null)
    await went(breaker, 'ill')
    assert.deepEqual(changes, ['open null', 'closed closed', 'open open', 'closed null'])
    assert.equal(breaker.state(), 'closed')
  })
})

test('after its end there is no timer, and nobody is asked', async (t) => {
  const timers = new Set<unknown>()
  for (const name of ['setTimeout', 'setInterval'] as const) {
    const set = globalThis[name] as (...args: unknown[]) => NodeJS.Timeout
    t.mock.method(globalThis, name, (...args: unknown[]) => {
      const timer = set(...args)
      timers.add(timer)
      return timer
    })
  }
  for (const name of ['clearTimeout', 'clearInterval'] as const) {
    const clear = globalThis[name]
    t.mock.method(globalThis, name, (timer: NodeJS.Timeout) => {
      timers.delete(timer)
      clear(timer)
    })
  }
  const breaker = circuit({ ...LIMITS, verdictOf, onChange: () => undefined })
  await went(breaker, ...ILL)
  assert.ok(timers.size >= 2, 'its window, and its being open')
  breaker.stop()
  assert.equal(timers.size, 0)
  assert.deepEqual(await went(breaker, 'answered'), ['not asked'])
})
