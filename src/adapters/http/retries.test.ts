import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Cancelled } from './deadline.ts'
import { Failure } from './failure.ts'
import { longestPauseAfter, retries } from './retries.ts'
import type { RetryBudget } from './retry-budget.ts'

const again = (afterMs = 0) => new Failure('people-service', 'unavailable', { again: true, afterMs })
const LATER_MS = 60_000
const { signal } = new AbortController()
const call = (leftMs = LATER_MS) => {
  const untilMs = performance.now() + leftMs
  return { idempotent: true, untilMs: () => untilMs, signal }
}
const RICH: RetryBudget = { answered: () => undefined, spend: () => true }

type Options = { budget?: RetryBudget; random?: () => number }
const limits = { attempts: 3, firstPauseMs: 4, longestPauseMs: 6, leastMs: 5 }
const retrying = ({ budget = RICH, random = () => 0 }: Options = {}) => retries({ ...limits, budget, random })

/** Fails as told, then answers. */
function failing(...errors: Error[]) {
  let made = 0
  const attempt = async () => {
    const error = errors[made]
    made += 1
    if (error) throw error
    return 'an answer'
  }
  return { attempt, made: () => made }
}

describe('further attempts', () => {
  test('none when the first one answers', async () => {
    const { attempt, made } = failing()
    assert.equal(await retrying()(call(), attempt), 'an answer')
    assert.equal(made(), 1)
  })

  test('until one answers, and two at most', async () => {
    const two = failing(again(), again())
    assert.equal(await retrying()(call(), two.attempt), 'an answer')
    assert.equal(two.made(), 3)
    const ill = failing(again(), again(), again(), again())
    await assert.rejects(retrying()(call(), ill.attempt), { reason: 'unavailable' })
    assert.equal(ill.made(), 3)
  })

  test('none of what would do no better, nor of an error that nobody knows', async () => {
    for (const error of [new Failure('people-service', 'wrong-answer'), new Error('unheard of')]) {
      const { attempt, made } = failing(error)
      await assert.rejects(retrying()(call(), attempt), error)
      assert.equal(made(), 1)
    }
  })

  test('none of what may have been done already', async () => {
    const { attempt, made } = failing(again())
    await assert.rejects(retrying()({ ...call(), idempotent: false }, attempt))
    assert.equal(made(), 1)
  })

  test('none without a budget, which each answered call fills once, and no other', async () => {
    let answers = 0
    const answered = () => {
      answers += 1
    }
    const { attempt, made } = failing(again())
    await assert.rejects(retrying({ budget: { answered, spend: () => false } })(call(), attempt))
    assert.deepEqual([answers, made()], [0, 1])
    await retrying({ budget: { answered, spend: () => true } })(call(), failing(again(), again()).attempt)
    assert.equal(answers, 1)
  })

  test('none when it would come too late, which costs no budget', async () => {
    const budget = { answered: () => undefined, spend: () => assert.fail('spent') }
    const { attempt, made } = failing(again(200))
    await assert.rejects(retrying({ budget })(call(100), attempt))
    assert.equal(made(), 1)
  })

  test('none with less time than one needs', async () => {
    const { attempt, made } = failing(again())
    await assert.rejects(retries({ ...limits, leastMs: 60, budget: RICH, random: () => 0 })(call(50), attempt))
    assert.equal(made(), 1)
  })

  test('of several in vain, one that shows that the neighbour is ill counts', async () => {
    const nothing = () => new Failure('people-service', 'timeout', { verdict: 'nothing', again: true })
    for (const [errors, verdict] of [
      [[again(), nothing(), nothing()], 'ill'],
      [[nothing(), again(), nothing()], 'ill'],
      [[nothing(), nothing(), nothing()], 'nothing'],
    ] as const) {
      await assert.rejects(retrying()(call(), failing(...errors).attempt), { verdict, reason: 'timeout' })
    }
  })

  test('not before Retry-After', async () => {
    const startedMs = performance.now()
    const { attempt } = failing(again(25))
    assert.equal(await retrying()(call(), attempt), 'an answer')
    assert.ok(performance.now() - startedMs >= 24)
  })

  test('none when nobody waits any more, neither after a pause nor before it', async () => {
    const left = new AbortController()
    const own = { ...call(), signal: left.signal }
    const paused = failing(again(LATER_MS / 2))
    const given = assert.rejects(retrying()(own, paused.attempt), Cancelled)
    await new Promise(setImmediate)
    left.abort(new Cancelled())
    await given
    const later = failing(again())
    await assert.rejects(retrying()(own, later.attempt), { reason: 'unavailable' })
    assert.deepEqual([paused.made(), later.made()], [1, 1])
  })
})

test('the pause doubles, up to a limit', () => {
  const pauses = { firstPauseMs: 4, longestPauseMs: 11 }
  assert.deepEqual(
    [1, 2, 3, 9].map((attempt) => longestPauseAfter(attempt, pauses)),
    [4, 8, 11, 11],
  )
})

test('is drawn from nothing up to that', async () => {
  const startedMs = performance.now()
  const { attempt } = failing(again(), again())
  await retries({ ...limits, firstPauseMs: 20, longestPauseMs: 20, budget: RICH, random: () => 0.99 })(call(), attempt)
  assert.ok(performance.now() - startedMs >= 36)
  let drawn = 0
  const random = () => {
    drawn += 1
    return 0
  }
  await retrying({ random })(call(), failing(again(), again()).attempt)
  assert.equal(drawn, 2, 'each anew')
})
