import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mode } from '../domain/strangler.ts'
import type { Evidence } from '../ports/evidence.ts'
import { type Advice, advise, type Goal, type Standing } from './promotion.ts'

const GOAL: Goal = { to: 'native', stepMs: 1_000, least: 100 }
const NO_COMPARISONS = { equal: 0, mismatch: 0, noise: 0, race: 0, failed: 0, dropped: 0 }
const side = (requests: number, failed = 0) => ({ requests, failed, buckets: [requests] })
const evidence = (given: Partial<Evidence> = {}): Evidence => ({
  since: 'start',
  legacy: side(100),
  native: side(100),
  compared: { ...NO_COMPARISONS, equal: 100 },
  paths: {},
  noise: {},
  samples: [],
  ...given,
})
const canary = (percent: number): Mode => ({ mode: 'canary', percent })
const standing = (mode: Mode, given: Partial<Standing> = {}): Standing => ({
  ...{ mode, evidence: evidence(), inModeMs: 1_000, isRead: true },
  ...given,
})
/** All the modes from here on, as long as nothing speaks against them. */
function walk(from: Mode, given: Partial<Standing> = {}, goal = GOAL): string[] {
  const passed: string[] = []
  let mode = from
  for (;;) {
    const advice: Advice = advise(standing(mode, given), goal)
    if (advice.what !== 'step') return [...passed, advice.what]
    mode = advice.to
    passed.push(mode.mode === 'canary' ? String(mode.percent) : mode.mode)
  }
}

test('from legacy over shadow and ever larger canaries to native', () => {
  assert.deepEqual(walk({ mode: 'legacy' }), ['shadow', '1', '5', '25', '50', '100', 'native', 'done'])
})

test('or only up to a canary of all, which is still watched', () => {
  assert.deepEqual(walk(canary(25), {}, { ...GOAL, to: 'canary' }), ['50', '100', 'done'])
})

test('a write has no shadow', () => {
  assert.deepEqual(walk({ mode: 'legacy' }, { isRead: false }).slice(0, 2), ['1', '5'])
})

test('from a percentage of one’s own it goes on with the next larger one', () => {
  assert.deepEqual(walk(canary(7)), ['25', '50', '100', 'native', 'done'])
  assert.deepEqual(walk(canary(0.1))[0], '1')
})

const WAITS: [what: string, mode: Mode, given: Partial<Standing>, why: RegExp][] = [
  ['a step that has only begun', { mode: 'shadow' }, { inModeMs: 999 }, /too short a time/],
  ['nothing known', { mode: 'shadow' }, { evidence: null }, /0 of 100 answers compared/],
  [
    'too few comparisons',
    { mode: 'shadow' },
    { evidence: evidence({ compared: { ...NO_COMPARISONS, equal: 99, dropped: 50, failed: 50 } }) },
    /99 of 100 answers compared/,
  ],
  ['too few answers of ours', canary(1), { evidence: evidence({ native: side(99) }) }, /99 of 100 answers given by us/],
  [
    'answers of ours that nobody has compared',
    canary(50),
    { evidence: evidence({ compared: { ...NO_COMPARISONS, equal: 9, failed: 91 } }) },
    /9 of 10 answers compared/,
  ],
]
for (const [what, mode, given, why] of WAITS)
  test(`it waits: ${what}`, () => {
    const advice = advise(standing(mode, given), GOAL)
    assert.equal(advice.what, 'wait')
    assert.match(advice.what === 'wait' ? advice.why : '', why)
  })

test('of a write nothing is compared', () => {
  const unseen = evidence({ compared: NO_COMPARISONS })
  assert.equal(advise(standing(canary(50), { evidence: unseen, isRead: false }), GOAL).what, 'step')
})

test('noise and races are no difference', () => {
  const compared = { ...NO_COMPARISONS, noise: 90, race: 10 }
  assert.equal(advise(standing({ mode: 'shadow' }, { evidence: evidence({ compared }) }), GOAL).what, 'step')
})

test('a single difference stops it, and says where, the most frequent first', () => {
  const compared = { ...NO_COMPARISONS, equal: 100_000, mismatch: 3 }
  const differing = evidence({ compared, paths: { '/b': 1, '/a': 3 } })
  for (const mode of [{ mode: 'shadow' }, canary(50)] as Mode[])
    assert.deepEqual(advise(standing(mode, { evidence: differing, inModeMs: 0 }), GOAL), {
      what: 'stop',
      why: '3 answers differ, at /a (3×), /b (1×)',
    })
})

test('failures stop it', () => {
  const advice = advise(standing(canary(5), { evidence: evidence({ native: side(100, 50) }) }), GOAL)
  assert.match(advice.what === 'stop' ? advice.why : '', /^50 % of our answers failed/)
})

test('a canary of which nothing is known waits, however long it has been one', () => {
  const advice = advise(standing(canary(5), { evidence: null, inModeMs: 1e9 }), GOAL)
  assert.deepEqual(advice, { what: 'wait', why: '0 of 100 answers given by us' })
})
