import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { manualClock } from '../../../test/support/manual-clock.ts'
import { type Caller, NeighbourError } from '../../ports/neighbours.ts'
import type { Outcomes } from './flight.ts'
import { flights, type Need } from './flights.ts'
import { type Waiter, waiter } from './waiter.ts'

// Whoever comes and goes, and whatever ends when: nobody waits in vain, nobody's call is taken from them, nothing is asked
// for nobody, and no claim stands but of what failed.

const SEED = 20_261_129
const RUNS = 1_500
const CALL_MS = 50
const IDS = ['a', 'b', 'c', 'd']
const IDS_A_CALL = 2

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** One thing that happens. Waiters, calls and claims are taken by number, modulo those that there are. */
type Step =
  | { what: 'ask'; ids: string[]; need: Need; waitMs: number; with: string[] }
  | { what: 'leave' | 'answer' | 'fail' | 'hurry' | 'claim' | 'refuse'; which: number }
  | { what: 'time'; ms: number }
  | { what: 'turn' }
const some = fc.subarray(IDS, { minLength: 1 })
const need = fc.constantFrom<Need>('anyhow', 'if-claimed')
const ask = fc.record({ what: fc.constant('ask'), ids: some, need, waitMs: fc.nat(60), with: fc.subarray(IDS) })
const picked = (weight: number, what: Step['what']) => ({
  weight,
  arbitrary: fc.record({ what: fc.constant(what), which: fc.nat(9) }) as fc.Arbitrary<Step>,
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: ask as fc.Arbitrary<Step> },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('time' as const), ms: fc.nat(30) }) },
  { weight: 6, arbitrary: fc.constant({ what: 'turn' as const }) },
  ...[picked(3, 'leave'), picked(2, 'answer'), picked(1, 'fail'), picked(1, 'hurry')],
  ...[picked(3, 'claim'), picked(1, 'refuse')],
)

// Short ones hold little of interest.
const schedule = fc.array(step, { minLength: 10, maxLength: 50, size: 'max' })

type Asker = { ids: string[]; need: Need; one: Waiter; away: AbortController; outcomes: Outcomes<string>[] }
/** `wasAborted` null: whether somebody left before or after it was noticed is open. */
type How = 'answer' | 'fail' | 'hurry'
type End = { how: How; wasAborted: boolean | null }
type Call = { ids: string[]; caller: Caller; end: End | null; settle(how: How): void }
const FAILURES = {
  fail: () => new NeighbourError('n', 'unreachable'),
  hurry: () => new NeighbourError('n', 'unavailable', { isHurried: true }),
}
type Claim = { id: string; answer(claimed: boolean): void }

function play() {
  const clock = manualClock()
  const askers: Asker[] = []
  const calls: Call[] = []
  /** Those that have ended, which nobody has noticed yet. */
  let ending: Call[] = []
  let claims: Claim[] = []
  const refused = new Set<string>()
  /** How many claims of an id stand. */
  const standing = new Map<string, number>()
  const claimsOf = (id: string) => standing.get(id) ?? 0
  /** Calls that should not have been made, and claims given back that nobody had. */
  const faults: string[] = []
  const all = flights<string>({
    claim: (id) => new Promise((resolve) => claims.push({ id, answer: resolve })),
    async release(id) {
      if (claimsOf(id) === 0) faults.push(`${id} given back`)
      standing.set(id, claimsOf(id) - 1)
    },
    keep: async () => true,
    fetch: (ids, caller) =>
      new Promise((resolve, reject) => {
        const { signal, untilMs } = caller
        const isInTime = untilMs > clock.now() && untilMs <= clock.now() + CALL_MS
        if (ids.length === 0 || ids.length > IDS_A_CALL || signal.aborted || !isInTime) {
          faults.push(`${ids} until ${untilMs}, aborted: ${signal.aborted}`)
        }
        const settle = (how: How) => {
          call.end = { how, wasAborted: caller.signal.aborted }
          ending.push(call)
          if (how !== 'answer') reject(FAILURES[how]())
          else resolve(new Map(ids.map((id) => [id, `the ${id}`])))
        }
        const call: Call = { ids, caller, end: null, settle }
        calls.push(call)
      }),
    ...{ callMs: CALL_MS, idsACall: IDS_A_CALL, now: clock.now, clock },
  })
  const isWaiting = ({ outcomes, one }: Asker) => outcomes.length === 0 && one.left() === null
  const open = () => calls.filter(({ end, caller }) => end === null && !caller.signal.aborted)
  const pick = <Item>(items: Item[], which: number) => items[which % Math.max(1, items.length)]

  const join = (asker: Asker, seated: Promise<Outcomes<string>>) => {
    askers.push(asker)
    void seated.then((outcomes) => {
      asker.one.end()
      asker.outcomes.push(outcomes)
    })
  }
  const newAsker = (ids: string[], need: Need, waitMs: number): Asker => {
    const away = new AbortController()
    const one = waiter({ untilMs: clock.now() + waitMs, signal: away.signal, requestId: 'r', trace: {} }, clock)
    return { ids, need, one, away, outcomes: [] }
  }
  const claimed = (which: number, isOurs: boolean) => {
    const claim = pick(claims, which)
    if (!claim) return
    claims = claims.filter((one) => one !== claim)
    if (isOurs) standing.set(claim.id, claimsOf(claim.id) + 1)
    else refused.add(claim.id)
    claim.answer(isOurs)
  }
  const take = async (step: Step) => {
    if (step.what === 'leave' || step.what === 'time') for (const { end } of ending) if (end) end.wasAborted = null
    if (step.what === 'turn') ending = []
    switch (step.what) {
      case 'ask': {
        const boarding = all.board()
        const reader = newAsker(step.ids, step.need, step.waitMs)
        join(reader, boarding.seat(reader.one, new Map(step.ids.map((id) => [id, step.need]))))
        // As a read does that has copies refreshed beside what it waits for, or some of that.
        const refresher = newAsker(step.with, 'if-claimed', CALL_MS)
        join(refresher, boarding.hold(refresher.one, step.with))
        return boarding.takeOff()
      }
      case 'leave':
        return pick(askers.filter(isWaiting), step.which)?.away.abort()
      case 'answer':
      case 'fail':
      case 'hurry':
        // Aborted ones end as well, some time.
        return pick(
          calls.filter(({ end }) => end === null),
          step.which,
        )?.settle(step.what)
      case 'claim':
      case 'refuse':
        return claimed(step.which, step.what === 'claim')
      case 'time':
        return clock.advance(step.ms)
      case 'turn':
        return turn()
    }
  }
  /** At rest: when everything that could go on has. */
  const check = () => {
    const waiting = askers.filter(isWaiting)
    for (const id of IDS) {
      const underWay = open().filter(({ ids }) => ids.includes(id))
      assert.ok(underWay.length <= 1, `${id} is asked for ${underWay.length} times at once`)
    }
    for (const { ids } of open()) {
      assert.ok(
        waiting.some((asker) => asker.ids.some((id) => ids.includes(id))),
        `${ids} is asked for nobody`,
      )
    }
    for (const { ids } of waiting) {
      const hope = ids.some((id) => open().some((call) => call.ids.includes(id)) || all.callOf(id) !== null)
      assert.ok(hope, `${ids} is waited for in vain`)
    }
    for (const { end, caller } of calls) {
      // After a call that had no time there may be another, with the same signal.
      if (!end || end.how === 'hurry') continue
      end.wasAborted ??= caller.signal.aborted
      assert.equal(caller.signal.aborted, end.wasAborted, 'what has ended is not aborted any more')
    }
    for (const asker of askers) assert.equal(asker.outcomes.length, isWaiting(asker) ? 0 : 1)
    assert.equal(clock.pending(), waiting.length)
    assert.deepEqual(faults, [])
  }
  const ended = (how: End['how'], id: string) => calls.some(({ ids, end }) => end?.how === how && ids.includes(id))
  const checkOutcomes = () => {
    for (const { ids, need, one, outcomes } of askers) {
      assert.equal(outcomes.length, 1, 'everybody has outcomes, once')
      assert.deepEqual(new Set(outcomes[0]?.keys()), new Set(ids))
      for (const [id, outcome] of outcomes[0] ?? []) {
        if ('value' in outcome) assert.ok(outcome.value === `the ${id}` && ended('answer', id))
        else if (outcome.reason === 'refreshing') assert.ok(need === 'if-claimed' && refused.has(id))
        else if (outcome.reason === 'unreachable') assert.ok(ended('fail', id))
        else if (outcome.reason === 'unavailable') assert.ok(ended('hurry', id))
        else assert.equal(outcome.reason, one.left())
      }
    }
    for (const id of IDS) {
      assert.equal(all.callOf(id), null)
      const failed = calls.filter(({ ids, end }) => end?.how === 'fail' && ids.includes(id))
      assert.ok(claimsOf(id) <= failed.length, `${claimsOf(id)} claims of ${id} stand`)
    }
  }
  const endAll = async () => {
    while (claims.length > 0 || open().length > 0) {
      claimed(0, true)
      await turn()
      open()[0]?.settle('answer')
      await turn()
      check()
    }
    // Those that were aborted.
    for (const { end, settle } of calls) if (end === null) settle('hurry')
    await turn()
  }
  return { take, check, endAll, checkOutcomes }
}

test(`calls end when they have ended for all, and not before (seed ${SEED})`, async () => {
  const rejections: unknown[] = []
  const note = (reason: unknown) => void rejections.push(reason)
  process.on('unhandledRejection', note)
  try {
    await fc.assert(
      fc.asyncProperty(schedule, async (steps) => {
        const { take, check, endAll, checkOutcomes } = play()
        for (const one of steps) {
          await take(one)
          if (one.what === 'turn') check()
        }
        await turn()
        check()
        await endAll()
        checkOutcomes()
      }),
      { seed: SEED, numRuns: RUNS },
    )
    await turn()
    assert.deepEqual(rejections, [])
  } finally {
    process.off('unhandledRejection', note)
  }
})
