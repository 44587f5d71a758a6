import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { guardedClient } from '../../src/adapters/http/guarded-client.ts'
import { type Fault, importWith } from '../support/plant.ts'
import { until } from '../support/service.ts'
import { NEVER_OPEN, openRig, outcome, times } from './rig.ts'

type Make = typeof guardedClient
type Check = (t: Pick<TestContext, 'after'>, make: Make) => Promise<void>
type Bug = { bug: string; check: Check; plants: Fault[] }

const MODULE = 'src/adapters/http/guarded-client.ts'
const RELOADED = /\/src\/adapters\/http\//
const IN = 'src/adapters/http/'

/** Whatever the fault: at most a tenth more requests than calls. */
const noStorm: Check = async (t, make) => {
  const { ask, server } = await openRig(t, { make, limits: { circuit: NEVER_OPEN } })
  const CALLS = 100
  // Answers, of which a share is saved.
  for (const _ of times(CALLS, Number)) await ask()
  server.reset()
  await server.set({ kind: 'status', status: 503 })
  for (const _ of times(CALLS, Number)) await ask()
  assert.ok(server.arrived() <= CALLS * 1.1, `${server.arrived()} requests for ${CALLS} calls`)
}

/** Who has too little time left after waiting is not let through: the neighbour would work for nobody. */
const noneInVain: Check = async (t, make) => {
  const { ask, server } = await openRig(t, { make, limits: { concurrent: 1, callMs: 1_000, attemptMs: 900 } })
  // Whoever comes after the first has too little left, by some tenths of a second: also on a machine that is late.
  await server.set({ kind: 'latency', ms: () => 700 })
  const outcomes = await Promise.all(times(6, () => ask()))
  const answered = outcomes.filter((outcome) => outcome === 'answered').length
  assert.ok(answered > 0, `${outcomes}`)
  assert.equal(server.arrived(), answered, `${outcomes}`)
}

/** One call's end is not another's. */
const ownAborts: Check = async (t, make) => {
  const { ask, server } = await openRig(t, { make, limits: { circuit: NEVER_OPEN } })
  await server.set({ kind: 'latency', ms: () => 120 })
  const patient = ask()
  assert.equal(await ask({ untilMs: performance.now() + 30 }), 'timeout')
  assert.equal(await patient, 'answered', 'who was under way')
  assert.equal(await ask(), 'answered', 'who came later')
}

/** What the neighbour does not know, and what it does not take, it has answered. */
const answersAreWell: Check = async (t, make) => {
  const unknown = await openRig(t, { make })
  for (const _ of times(20, Number)) await outcome(unknown.client, 'unknown')
  assert.equal(unknown.client.report().state, 'closed', '404')
  const refused = await openRig(t, { make })
  await refused.server.set({ kind: 'status', status: 401 })
  for (const _ of times(20, Number)) await refused.ask()
  assert.equal(refused.client.report().state, 'closed', '401')
}

/** What it sets, it clears: after its end nothing of it is there, nor does anything happen. */
const noTimersStay: Check = async (t, make) => {
  const timers = new Set<unknown>()
  const spies = (['setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'] as const).map((name) => {
    const real = globalThis[name] as (...args: unknown[]) => unknown
    const isSet = name.startsWith('set')
    const spy = (...args: unknown[]) => {
      if (!isSet) timers.delete(args[0])
      const [work, ...rest] = args
      const once = (...given: unknown[]) => {
        if (name === 'setTimeout') timers.delete(timer)
        ;(work as (...given: unknown[]) => void)(...given)
      }
      const timer = isSet ? real(once, ...rest) : real(...args)
      if (isSet) timers.add(timer)
      return timer
    }
    Object.assign(globalThis, { [name]: Object.assign(spy, real) })
    return () => Object.assign(globalThis, { [name]: real })
  })
  const restore = () => {
    for (const spy of spies) spy()
  }
  t.after(restore)
  const { client, ask, server } = await openRig(t, { make, limits: { firstPauseMs: 500, longestPauseMs: 500 } })
  for (const _ of times(20, Number)) await ask()
  await server.set({ kind: 'blackhole' })
  const hanging = ask()
  await until('it is asked', async () => server.arrived() === 21)
  await server.set({ kind: 'status', status: 503 })
  const pausing = ask()
  await until('it is asked once more', async () => server.arrived() >= 22)
  await client.close()
  const left = timers.size
  restore()
  assert.equal(left, 0, 'timers are there')
  await Promise.all([hanging, pausing])
}

/** A client that goes away in the middle is no error of anybody's. */
const noUnhandledRejections: Check = async (t, make) => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  // The test runner has its own, which would fail the test that plants the bug.
  const own = process.rawListeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', note)
  t.after(() => {
    process.removeAllListeners('unhandledRejection')
    for (const listener of own) process.on('unhandledRejection', listener as () => void)
  })
  const { ask, server } = await openRig(t, { make, limits: { concurrent: 1 } })
  await server.set({ kind: 'blackhole' })
  const left = new AbortController()
  const asked = times(3, () => ask({ signal: left.signal }))
  await until('it is asked', async () => server.arrived() === 1)
  left.abort()
  await Promise.all(asked)
  await until('the call has stopped', async () => server.unanswered() === 0)
  // They are told of in a later turn.
  for (const _ of times(3, Number)) await new Promise(setImmediate)
  assert.deepEqual(unhandled, [])
}

const BUGS: Bug[] = [
  {
    bug: 'retries without a budget: a storm',
    check: noStorm,
    plants: [
      { file: `${IN}retries.ts`, from: 'isTooLate || !budget.spend()', to: 'isTooLate' },
      { file: `${IN}retry-budget.ts`, from: 'saved -= price', to: 'saved -= 0' },
      {
        file: `${IN}guarded-client.ts`,
        from: 'budget: retryBudget(limits.budget)',
        to: 'budget: { answered: () => undefined, spend: () => true }',
      },
    ],
  },
  {
    bug: 'a queue that takes the time of those in it',
    check: noneInVain,
    plants: [
      { file: `${IN}guarded-client.ts`, from: 'longestWaitOf(limits) })', to: 'limits.callMs })' },
      { file: `${IN}bulkhead.ts`, from: '}, longestWaitMs)', to: '}, 60_000)' },
    ],
  },
  {
    bug: 'an abort that calls share',
    check: ownAborts,
    plants: [
      {
        file: `${IN}deadline.ts`,
        from: 'const controller = new AbortController()',
        to: 'const controller = (within as { shared?: AbortController }).shared ??= new AbortController()',
      },
    ],
  },
  {
    bug: 'a breaker that is opened by 404s',
    check: answersAreWell,
    plants: [
      {
        file: `${IN}exchange.ts`,
        from: 'if (response.statusCode === 404 && question.none !== null) {',
        to: "if (response.statusCode === 404) throw new Failure(neighbour, 'unavailable'); if (question.none !== null) {",
      },
      { file: `${IN}exchange.ts`, from: "{ verdict: 'well' }", to: '{}' },
    ],
  },
  {
    bug: 'timers that stay after the end',
    check: noTimersStay,
    plants: [
      { file: `${IN}guarded-client.ts`, from: '      breaker.stop()\n', to: '' },
      { file: `${IN}guarded-client.ts`, from: '      closing.abort()\n', to: '' },
      { file: `${IN}deadline.ts`, from: '      clearTimeout(timer)\n      clearImm', to: '      clearImm' },
    ],
  },
  {
    bug: 'a rejection that nobody handles when the client goes away in the middle of a call',
    check: noUnhandledRejections,
    plants: [
      {
        file: `${IN}deadline.ts`,
        from: 'work(controller.signal).then(resolve, reject).finally(end)',
        to: 'work(controller.signal).then(resolve).finally(end)',
      },
    ],
  },
]

for (const { bug, check, plants } of BUGS) {
  describe(bug, () => {
    test('is not there', (t) => check(t, guardedClient))
    for (const [index, fault] of plants.entries()) {
      test(`would be seen (${index + 1}: ${fault.file})`, async (t) => {
        const { guardedClient: faulty } = await importWith<{ guardedClient: Make }>(fault, MODULE, RELOADED)
        await assert.rejects(check(t, faulty), assert.AssertionError)
      })
    }
  })
}
