import assert from 'node:assert/strict'
import { test } from 'node:test'
import { manualClock } from '../../../test/support/manual-clock.ts'
import { type Caller, NeighbourError } from '../../ports/neighbours.ts'
import type { Outcomes } from './flight.ts'
import { flights, type Need } from './flights.ts'
import { waiter } from './waiter.ts'

const CALL_MS = 1_000
const IDS_A_CALL = 3
const LONG_MS = 10_000

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

type Call = {
  ids: string[]
  caller: Caller
  answer(): Promise<void>
  /** Answers, and none of them is in it. */
  leaveOut(): Promise<void>
  fail(error: unknown): Promise<void>
}

/**
 * Calls that end when the test says so: each id is answered by its own name. Claims are had, and copies kept, unless the test
 * says otherwise.
 */
function stage() {
  const clock = manualClock()
  const calls: Call[] = []
  const claims: string[] = []
  const kept: object[] = []
  const released: string[] = []
  const claiming = { claim: async (_id: string): Promise<boolean> => true }
  const keeping = { keep: async (_id: string): Promise<boolean> => true }
  const all = flights<string>({
    claim(id) {
      claims.push(id)
      return claiming.claim(id)
    },
    async release(id) {
      released.push(id)
    },
    keep(id, copy) {
      kept.push({ id, ...copy })
      return keeping.keep(id)
    },
    now: clock.now,
    fetch(ids, caller) {
      const { promise, resolve, reject } = Promise.withResolvers<Map<string, string | null>>()
      const then = <Args extends unknown[]>(settle: (...args: Args) => void) =>
        async function settled(...args: Args) {
          settle(...args)
          await turn()
        }
      const answer = then(() => resolve(new Map(ids.map((id) => [id, `the ${id}`]))))
      const leaveOut = then(() => resolve(new Map()))
      calls.push({ ids, caller, answer, leaveOut, fail: then(reject) })
      return promise
    },
    callMs: CALL_MS,
    idsACall: IDS_A_CALL,
    clock,
  })
  /** Somebody who asks; `outcomes` once they have them all. */
  const ask = async (ids: string[], options: { waitMs?: number; need?: Need | 'hold'; requestId?: string } = {}) => {
    const { waitMs = LONG_MS, need = 'anyhow', requestId = 'r1' } = options
    const away = new AbortController()
    const caller = { untilMs: clock.now() + waitMs, signal: away.signal, requestId, trace: { traceparent: requestId } }
    const one = waiter(caller, clock)
    const asker: { outcomes: Outcomes<string> | null; leave(): Promise<void> } = {
      outcomes: null,
      async leave() {
        away.abort()
        await turn()
      },
    }
    const boarding = all.board()
    const seated = need === 'hold' ? boarding.hold(one, ids) : boarding.seat(one, new Map(ids.map((id) => [id, need])))
    void seated.then((outcomes) => {
      one.end()
      asker.outcomes = outcomes
    })
    boarding.takeOff()
    await turn()
    return asker
  }
  const asked = () => calls.map(({ ids }) => ids.join())
  const call = (n: number): Call => {
    const found = calls[n]
    assert.ok(found, `call ${n} was made`)
    return found
  }
  return { ...all, clock, calls, claims, kept, released, claiming, keeping, ask, asked, call }
}
const hurried = () => new NeighbourError('n', 'timeout', { isHurried: true })
const values = (...ids: string[]) => new Map(ids.map((id) => [id, { value: `the ${id}` }]))
const reasons = (reason: string, ...ids: string[]) => new Map(ids.map((id) => [id, { reason }]))

test('several ids are one call, and each gets its own value', async () => {
  const { ask, asked, call } = stage()
  const asker = await ask(['a', 'b'])
  assert.deepEqual(asked(), ['a,b'])
  assert.equal(asker.outcomes, null)
  await call(0).answer()
  assert.deepEqual(asker.outcomes, values('a', 'b'))
})

test('more than a call takes are several calls', async () => {
  const { ask, asked, calls } = stage()
  const asker = await ask(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
  assert.deepEqual(asked(), ['a,b,c', 'd,e,f', 'g'])
  for (const { answer } of calls) await answer()
  assert.deepEqual(asker.outcomes, values('a', 'b', 'c', 'd', 'e', 'f', 'g'))
})

test('what is being asked for is joined, and only the rest is asked for', async () => {
  const { ask, asked, call, callOf } = stage()
  const first = await ask(['a', 'b'])
  const second = await ask(['b', 'c'])
  const third = await ask(['a', 'b', 'c'])
  assert.deepEqual(asked(), ['a,b', 'c'])
  await call(0).answer()
  assert.deepEqual([first.outcomes, second.outcomes, third.outcomes], [values('a', 'b'), null, null])
  await call(1).answer()
  assert.deepEqual([second.outcomes, third.outcomes], [values('b', 'c'), values('a', 'b', 'c')])
  assert.equal(callOf('a'), null)
  await ask(['a'])
  assert.deepEqual(asked(), ['a,b', 'c', 'a'], 'what has landed is asked for anew')
})

test('who asks for nothing waits for nothing', async () => {
  const { ask, calls } = stage()
  assert.deepEqual((await ask([])).outcomes, new Map())
  assert.equal(calls.length, 0)
})

const FAILURES = [
  { name: 'a failed call', error: new NeighbourError('n', 'circuit-open'), reason: 'circuit-open' },
  { name: 'a call that fails otherwise', error: new TypeError('unforeseen'), reason: 'wrong-answer' },
]
for (const { name, error, reason } of FAILURES) {
  test(`${name} is the same reason for all who wait for it, and is not joined later`, async () => {
    const { ask, asked, call } = stage()
    const askers = [await ask(['a', 'b']), await ask(['b'])]
    await call(0).fail(error)
    assert.deepEqual(
      askers.map(({ outcomes }) => outcomes),
      [reasons(reason, 'a', 'b'), reasons(reason, 'b')],
    )
    await ask(['b'])
    assert.deepEqual(asked(), ['a,b', 'b'])
  })
}

test('an answer that leaves somebody out, or a call that throws at once, holds up nobody', async () => {
  const clock = manualClock()
  const answers = [() => Promise.resolve(new Map([['a', 1]])), () => assert.fail('at once')]
  const fetch = () => (answers.shift() ?? assert.fail)()
  const yes = async () => true
  const redis = { claim: yes, keep: yes, release: async () => undefined }
  const all = flights<number>({ ...redis, fetch, callMs: CALL_MS, idsACall: IDS_A_CALL, now: clock.now, clock })
  const landed: Outcomes<number>[] = []
  for (const ids of [['a', 'b'], ['a']]) {
    const caller = { untilMs: clock.now() + 1, signal: new AbortController().signal, requestId: '', trace: {} }
    const boarding = all.board()
    const wanted = new Map(ids.map((id) => [id, 'anyhow' as const]))
    void boarding.seat(waiter(caller, clock), wanted).then((outcomes) => landed.push(outcomes))
    boarding.takeOff()
    await turn()
  }
  assert.deepEqual(landed, [
    new Map<string, object>([
      ['a', { value: 1 }],
      ['b', { reason: 'wrong-answer' }],
    ]),
    reasons('wrong-answer', 'a'),
  ])
})

test('each leaves at their own time; the call goes on for the others, and is aborted when the last has left', async () => {
  const { ask, call, clock, callOf } = stage()
  const first = await ask(['a'], { waitMs: 10 })
  const second = await ask(['a'], { waitMs: 20 })
  const third = await ask(['a'], { waitMs: 30 })
  clock.advance(10)
  await turn()
  assert.deepEqual([first.outcomes, second.outcomes], [reasons('timeout', 'a'), null])
  assert.equal(call(0).caller.signal.aborted, false)
  await second.leave()
  assert.deepEqual([second.outcomes, third.outcomes], [reasons('cancelled', 'a'), null])
  assert.equal(call(0).caller.signal.aborted, false)
  clock.advance(20)
  await turn()
  assert.deepEqual(third.outcomes, reasons('timeout', 'a'))
  assert.equal(call(0).caller.signal.aborted, true)
  assert.equal(callOf('a'), null)
  assert.equal(clock.pending(), 0)
})

test('who leaves while some of it has come keeps that', async () => {
  const { ask, call } = stage()
  const asker = await ask(['a', 'b', 'c', 'd'])
  await call(0).answer()
  await asker.leave()
  assert.deepEqual(asker.outcomes, new Map<string, object>([...values('a', 'b', 'c'), ...reasons('cancelled', 'd')]))
  assert.deepEqual([call(0).caller.signal.aborted, call(1).caller.signal.aborted], [false, true])
})

test('whoever waits for a part of a call only keeps all of it from being aborted, as long as it has not come', async () => {
  const { ask, call } = stage()
  const first = await ask(['a', 'b'])
  const second = await ask(['b', 'c'])
  await first.leave()
  assert.equal(call(0).caller.signal.aborted, false)
  await call(0).answer()
  assert.equal(call(0).caller.signal.aborted, false)
  await second.leave()
  assert.deepEqual([call(0).caller.signal.aborted, call(1).caller.signal.aborted], [false, true])
})

test('an aborted call is not joined, and what becomes of it is nobody’s', async () => {
  const { ask, asked, call } = stage()
  await (await ask(['a'])).leave()
  const second = await ask(['a'])
  assert.deepEqual(asked(), ['a', 'a'])
  await call(0).fail(new NeighbourError('n', 'cancelled'))
  assert.equal(second.outcomes, null)
  assert.equal((await ask(['a'])).outcomes, null)
  assert.deepEqual(asked(), ['a', 'a'], 'the second call is still the one to join')
  await call(1).answer()
  assert.deepEqual(second.outcomes, values('a'))
})

test('who has left already, or comes too late, makes no call', async () => {
  const { ask, calls, claims } = stage()
  assert.deepEqual((await ask(['a'], { waitMs: 0 })).outcomes, reasons('timeout', 'a'))
  assert.deepEqual([calls, claims], [[], []])
})

test('a call has the time of whoever waits longest, at most its own, and is told of by whoever began it', async () => {
  const { ask, call, clock } = stage()
  const begun = clock.now()
  await ask(['a'], { waitMs: 100, requestId: 'r1' })
  const { caller } = call(0)
  assert.deepEqual([caller.requestId, caller.trace], ['r1', { traceparent: 'r1' }])
  assert.equal(caller.untilMs, begun + 100)
  const second = await ask(['a'], { waitMs: 300, requestId: 'r2' })
  assert.equal(caller.untilMs, begun + 300)
  await ask(['a'], { waitMs: 50, requestId: 'r3' })
  assert.equal(caller.untilMs, begun + 300)
  await second.leave()
  assert.equal(caller.untilMs, begun + 100)
  clock.advance(10)
  await ask(['a'], { waitMs: LONG_MS })
  assert.equal(caller.untilMs, begun + CALL_MS)
  assert.equal(caller.requestId, 'r1')
})

test('what another process has claimed is not asked for; the rest is', async () => {
  const { ask, asked, call, claiming, claims } = stage()
  claiming.claim = async (id) => id !== 'b'
  const asker = await ask(['a', 'b', 'c'], { need: 'if-claimed' })
  assert.deepEqual([asked(), claims], [['a,c'], ['a', 'b', 'c']])
  await call(0).answer()
  assert.deepEqual(asker.outcomes, new Map<string, object>([...reasons('refreshing', 'b'), ...values('a', 'c')]))
  assert.deepEqual((await ask(['b'], { need: 'if-claimed' })).outcomes, reasons('refreshing', 'b'))
})

test('what is needed anyhow is not claimed', async () => {
  const { ask, asked, claims } = stage()
  await ask(['a'])
  assert.deepEqual([asked(), claims], [['a'], []])
})

test('all who come while it is claimed share the claim; one who needs it anyhow has it asked for', async () => {
  for (const [claimed, outcome] of [
    [false, reasons('refreshing', 'a')],
    [true, values('a')],
  ] as const) {
    const { ask, calls, claiming, claims } = stage()
    const { promise, resolve } = Promise.withResolvers<boolean>()
    claiming.claim = () => promise
    const askers = [await ask(['a'], { need: 'if-claimed' }), await ask(['a'], { need: 'if-claimed' })]
    assert.deepEqual([claims, calls], [['a'], []])
    resolve(claimed)
    await turn()
    await calls[0]?.answer()
    assert.deepEqual(
      askers.map(({ outcomes }) => outcomes),
      [outcome, outcome],
    )
  }
  const { ask, asked, call, claiming, claims } = stage()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  claiming.claim = () => promise
  const askers = [await ask(['a'], { need: 'if-claimed' }), await ask(['a'], { need: 'anyhow' })]
  resolve(false)
  await turn()
  assert.deepEqual([asked(), claims], [['a'], ['a']])
  await call(0).answer()
  assert.deepEqual(
    askers.map(({ outcomes }) => outcomes),
    [values('a'), values('a')],
  )
})

test('who leaves while it is claimed has nothing asked for them', async () => {
  const { ask, calls, claiming, callOf } = stage()
  const claims: ((claimed: boolean) => void)[] = []
  claiming.claim = () => new Promise((resolve) => claims.push(resolve))
  await (await ask(['a'], { need: 'if-claimed' })).leave()
  assert.equal(callOf('a'), null)
  const second = await ask(['a'], { need: 'if-claimed' })
  claims[0]?.(true)
  await turn()
  assert.deepEqual([calls, second.outcomes], [[], null])
  claims[1]?.(true)
  await turn()
  assert.equal(calls.length, 1)
})

test('what was heard is kept with the time of the question', async () => {
  const { ask, call, clock, kept } = stage()
  const at = clock.now()
  await ask(['a'])
  clock.advance(10)
  await call(0).answer()
  assert.deepEqual(kept, [{ id: 'a', at, value: 'the a' }])
})

test('a claim is given back once the copy has been kept, and only what was claimed', async () => {
  const { ask, call, keeping, released } = stage()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  keeping.keep = () => promise
  await ask(['a'], { need: 'if-claimed' })
  await call(0).answer()
  assert.deepEqual(released, [], 'it is not kept yet')
  resolve(true)
  await turn()
  assert.deepEqual(released, ['a'])
  await ask(['b'])
  await call(1).answer()
  assert.deepEqual(released, ['a'], 'nobody claimed it')
})

type Stage = ReturnType<typeof stage>
const CLAIMS_AFTER: { name: string; end(set: Stage): Promise<void>; isGivenBack: boolean }[] = [
  { name: 'an answer that could not be kept', isGivenBack: false, end: keptNot },
  { name: 'an answer that leaves it out', isGivenBack: false, end: ({ call }) => call(0).leaveOut() },
  { name: 'a failure', isGivenBack: false, end: ({ call }) => call(0).fail(new NeighbourError('n', 'unavailable')) },
  { name: 'a failure that nobody foresaw', isGivenBack: false, end: ({ call }) => call(0).fail(new Error('x')) },
  { name: 'a call that was aborted', isGivenBack: true, end: leftAlone },
  { name: 'a call that had no time', isGivenBack: true, end: hurriedTwice },
]
async function keptNot({ call, keeping }: Stage) {
  keeping.keep = async () => false
  await call(0).answer()
}
async function leftAlone({ call, clock }: Stage) {
  clock.advance(LONG_MS)
  assert.equal(call(0).caller.signal.aborted, true)
  await call(0).fail(new NeighbourError('n', 'cancelled'))
}
async function hurriedTwice({ call, released }: Stage) {
  await call(0).fail(hurried())
  assert.deepEqual(released, [], 'it is asked for once more')
  await call(1).fail(hurried())
}
for (const { name, end, isGivenBack } of CLAIMS_AFTER) {
  test(`after ${name} the claim ${isGivenBack ? 'is given back' : 'stands'}`, async () => {
    const set = stage()
    await set.ask(['a'], { need: 'if-claimed' })
    await end(set)
    assert.deepEqual(set.released, isGivenBack ? ['a'] : [])
  })
}

test('what was claimed when all had left is given back', async () => {
  const { ask, calls, claiming, released } = stage()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  claiming.claim = (id) => (id === 'a' ? promise : Promise.resolve(false))
  await (await ask(['a', 'b'], { need: 'if-claimed' })).leave()
  resolve(true)
  await turn()
  assert.deepEqual([calls, released], [[], ['a']])
})

test('a call that had no time is made once more for who has, in their time', async () => {
  const { ask, asked, call, clock } = stage()
  const first = await ask(['a'], { waitMs: 10 })
  const second = await ask(['a'], { waitMs: 300 })
  const until = clock.now() + 300
  clock.advance(10)
  await call(0).fail(hurried())
  assert.deepEqual([asked(), first.outcomes, second.outcomes], [['a', 'a'], reasons('timeout', 'a'), null])
  assert.equal(call(1).caller.untilMs, until)
  const third = await ask(['a'])
  await call(1).answer()
  assert.deepEqual([second.outcomes, third.outcomes], [values('a'), values('a')])
  assert.equal(asked().length, 2, 'the second is joined')
})

test('it is not made a third time, nor for another reason, nor when nobody has time', async () => {
  const twice = stage()
  const asker = await twice.ask(['a'])
  for (const n of [0, 1]) await twice.call(n).fail(hurried())
  assert.deepEqual([twice.asked(), asker.outcomes], [['a', 'a'], reasons('timeout', 'a')])

  const ill = stage()
  await ill.ask(['a'])
  await ill.call(0).fail(new NeighbourError('n', 'timeout'))
  assert.deepEqual(ill.asked(), ['a'])

  const alone = stage()
  await (await alone.ask(['a'])).leave()
  await alone.call(0).fail(hurried())
  assert.deepEqual(alone.asked(), ['a'])
})

test('a call that is held goes on when its readers have left; it tells of itself as long as it is under way', async () => {
  const { ask, asked, call, callOf, clock } = stage()
  const reader = await ask(['a', 'b'], { waitMs: 10 })
  assert.deepEqual([callOf('a'), callOf('c')], ['waited-for', null])
  await ask(['a'], { need: 'hold' })
  assert.deepEqual([callOf('a'), callOf('b')], ['held', 'waited-for'])
  clock.advance(10)
  await turn()
  assert.deepEqual([reader.outcomes, call(0).caller.signal.aborted], [reasons('timeout', 'a', 'b'), false])
  await call(0).answer()
  assert.deepEqual([asked(), callOf('a')], [['a,b'], null])
  await ask(['a'])
  assert.equal(callOf('a'), 'waited-for', 'of the call before nothing is left')
})

test('what is claimed elsewhere is not held', async () => {
  const { ask, calls, callOf, claiming } = stage()
  claiming.claim = async () => false
  const asker = await ask(['a'], { need: 'hold' })
  assert.deepEqual([asker.outcomes, callOf('a'), calls], [reasons('refreshing', 'a'), null, []])
})
