import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { manualClock } from '../../../test/support/manual-clock.ts'
import { type Caller, NeighbourError } from '../../ports/neighbours.ts'
import type { Outcomes } from './flight.ts'
import { flights, type Need } from './flights.ts'
import { type Waiter, waiter } from './waiter.ts'

// Whoever comes and goes, and whatever ends when: nobody waits in vain, nobody's call is taken from them, and nothing is
// asked for nobody.

const SEED = 20_261_129
const RUNS = 1_500
const CALL_MS = 50
const IDS = ['a', 'b', 'c', 'd']
const IDS_A_CALL = 2

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** One thing that happens. Waiters, calls and claims are taken by number, modulo those that there are. */
type Step =
  | { what: 'ask'; ids: string[]; need: Need; waitMs: number; with: string[] }
  | { what: 'leave' | 'answer' | 'fail' | 'claim' | 'refuse'; which: number }
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
  ...[picked(3, 'leave'), picked(2, 'answer'), picked(1, 'fail'), picked(3, 'claim'), picked(1, 'refuse')],
)

// Short ones hold little of interest.
const schedule = fc.array(step, { minLength: 10, maxLength: 50, size: 'max' })

type Asker = { ids: string[]; need: Need; one: Waiter; away: AbortController; outcomes: Outcomes<string>[] }
/** `wasAborted` null: whether somebody left before or after it was noticed is open. */
type End = { how: 'answered' | 'failed'; wasAborted: boolean | null }
type Call = { ids: string[]; caller: Caller; end: End | null; settle(fails: boolean): void }
type Claim = { id: string; answer(claimed: boolean): void }

function play() {
  const clock = manualClock()
  const askers: Asker[] = []
  const calls: Call[] = []
  /** Those that have ended, which nobody has noticed yet. */
  let ending: Call[] = []
  let claims: Claim[] = []
  const refused = new Set<string>()
  /** Calls that should not have been made. */
  const faults: string[] = []
  const all = flights<string>({
    claim: (id) => new Promise((resolve) => claims.push({ id, answer: resolve })),
    fetch: (ids, caller) =>
      new Promise((resolve, reject) => {
        const { signal, untilMs } = caller
        const isInTime = untilMs > clock.now() && untilMs <= clock.now() + CALL_MS
        if (ids.length === 0 || ids.length > IDS_A_CALL || signal.aborted || !isInTime) {
          faults.push(`${ids} until ${untilMs}, aborted: ${signal.aborted}`)
        }
        const settle = (fails: boolean) => {
          call.end = { how: fails ? 'failed' : 'answered', wasAborted: caller.signal.aborted }
          ending.push(call)
          if (fails) reject(new NeighbourError('n', 'unreachable'))
          else resolve(new Map(ids.map((id) => [id, `the ${id}`])))
        }
        const call: Call = { ids, caller, end: null, settle }
        calls.push(call)
      }),
    ...{ callMs: CALL_MS, idsACall: IDS_A_CALL, clock },
  })
  const isWaiting = ({ outcomes, one }: Asker) => outcomes.length === 0 && one.left() === null
  const open = () => calls.filter(({ end, caller }) => end === null && !caller.signal.aborted)
  const pick = <Item>(items: Item[], which: number) => items[which % Math.max(1, items.length)]

  const join = (asker: Asker, boarding: ReturnType<typeof all.board>) => {
    askers.push(asker)
    void boarding.seat(asker.one, new Map(asker.ids.map((id) => [id, asker.need]))).then((outcomes) => {
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
    if (!isOurs) refused.add(claim.id)
    claim.answer(isOurs)
  }
  const take = async (step: Step) => {
    if (step.what === 'leave' || step.what === 'time') for (const { end } of ending) if (end) end.wasAborted = null
    if (step.what === 'turn') ending = []
    switch (step.what) {
      case 'ask': {
        const boarding = all.board()
        join(newAsker(step.ids, step.need, step.waitMs), boarding)
        // As a read does that has copies refreshed beside what it waits for.
        if (step.with.length > 0) join(newAsker(step.with, 'if-claimed', CALL_MS), boarding)
        return boarding.takeOff()
      }
      case 'leave':
        return pick(askers.filter(isWaiting), step.which)?.away.abort()
      case 'answer':
      case 'fail':
        // Aborted ones end as well, some time.
        return pick(
          calls.filter(({ end }) => end === null),
          step.which,
        )?.settle(step.what === 'fail')
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
      const hope = ids.some((id) => open().some((call) => call.ids.includes(id)) || all.isUnderWay(id))
      assert.ok(hope, `${ids} is waited for in vain`)
    }
    for (const { end, caller } of calls) {
      if (!end) continue
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
        if ('value' in outcome) assert.ok(outcome.value === `the ${id}` && ended('answered', id))
        else if (outcome.reason === 'refreshing') assert.ok(need === 'if-claimed' && refused.has(id))
        else assert.ok(outcome.reason === 'unreachable' ? ended('failed', id) : outcome.reason === one.left())
      }
    }
    for (const id of IDS) assert.equal(all.isUnderWay(id), false)
  }
  const endAll = async () => {
    while (claims.length > 0 || open().length > 0) {
      claimed(0, true)
      await turn()
      open()[0]?.settle(false)
      await turn()
      check()
    }
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
