import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Counted } from './counted.ts'
import type { Measured } from './measure.ts'
import type { Sample } from './open-load.ts'
import type { Phase } from './phases.ts'
import { BEGIN, failures, type Results, report, withMeasured } from './report.ts'

const sample = (differing: Partial<Sample> = {}): Sample => ({
  dueAtMs: 0,
  lateMs: 0.5,
  tookMs: 1,
  status: 200,
  verdict: 'whole',
  reasons: [],
  ...differing,
})
const many = (count: number, differing: (i: number) => Partial<Sample> = () => ({})): Sample[] =>
  Array.from({ length: count }, (_, i) => sample(differing(i)))
const counted = (calls: Record<string, number>, requests: number): Counted => ({
  'branches-service': { calls, requests },
  'people-service': { calls: {}, requests: 0 },
})
const arrived = (calls: number, requests: number): Phase['arrived'] => ({
  'branches-service': { calls, requests },
  'people-service': { calls: 100, requests: 100 },
})
const well: Phase = {
  seconds: 8,
  profiles: many(100),
  hot: many(100, (i) => ({ tookMs: (i + 1) / 10 })),
  arrived: arrived(60, 60),
  counted: counted({ answered: 60 }, 60),
  machineBusy: 0.3,
}
/** Three slices of hot GETs, the second the slowest, and a beginning of a fourth. */
const ill: Phase = {
  ...well,
  profiles: [
    ...many(90, () => ({ verdict: 'last-known', reasons: ['branches circuit-open', 'employment timeout'] })),
    ...many(10, () => ({ verdict: 'without', reasons: ['branches circuit-open'], tookMs: 400 })),
  ],
  hot: many(31, (i) => ({ dueAtMs: 1_000 + 800 * i, tookMs: i >= 10 && i < 20 ? 9 : 3 })),
  arrived: arrived(50, 54),
  counted: counted({ 'circuit-open': 150, unavailable: 50 }, 54),
}
const measured = (differing: Partial<Measured> = {}): Measured => ({
  name: '500',
  arrangement: 'usual',
  before: well,
  during: ill,
  openedAfterMs: [400, 450],
  closedAfterMs: 1_234,
  complaints: [],
  ...differing,
})
const results = (...some: Measured[]): Results => ({
  command: 'node bench/resilience.ts',
  date: '2026-01-02',
  machine: { cores: 2, cpu: 'A CPU', memoryGib: 23.5, node: 'v26.0.0', redis: '7.0.15', commit: 'abc1234' },
  pace: { rate: 200, seconds: 30 },
  measured: some,
})

/** The cells of the line that begins with this cell, `nth` of those. */
function row(page: string, first: string, nth: number): string[] {
  const lines = page.split('\n').filter((line) => line.startsWith(`| ${first} |`))
  return (lines[nth] ?? '')
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim())
}

test('what clients saw: codes, shares, times, the hot GET by slices, and why', () => {
  assert.deepEqual(row(report(results(measured())), '500', 0), [
    ...['200: 100', '0', '90', '10', '1.0', '400.0', '9.9', '3.0 (3.0–9.0)'],
    'branches circuit-open 100, employment timeout 90',
  ])
})

test('what reached the neighbours: calls, of these let through, requests; the worst amplification; the breakers’ times', () => {
  const [calls, letThrough, requests, amplification, aProfile, opened, closed] = row(
    report(results(measured())),
    '500',
    1,
  )
  assert.deepEqual([calls, letThrough, requests, amplification], ['200', '150', '154', '1.08'])
  assert.deepEqual([aProfile, opened, closed], ['1.60 → 1.54', '400', '1,234'])
})

test('where nothing arrives, what was sent counts, and calls that were not let through do not', () => {
  const nobody = { ...ill, arrived: arrived(0, 0), counted: counted({ 'circuit-open': 150, unreachable: 40 }, 42) }
  const cells = row(report(results(measured({ during: nobody }))), '500', 1)
  assert.deepEqual(cells.slice(0, 4), ['190', '140', '142', '1.05'])
})

test('breakers that stay closed, open again and again, are forced, or do not close, are told apart', () => {
  const cells = (differing: Partial<Measured>) => row(report(results(measured(differing))), '500', 1).slice(-2)
  assert.deepEqual(cells({ openedAfterMs: [], closedAfterMs: -9_000 }), ['stayed closed', '–'])
  assert.deepEqual(cells({ openedAfterMs: [1, 2, 3] }), ['1 (3×)', '1,234'])
  assert.deepEqual(cells({ openedAfterMs: [], arrangement: 'forced-closed' }), ['forced', '–'])
  assert.deepEqual(cells({ closedAfterMs: null, arrangement: 'unresolvable' }), ['400', 'no end'])
  assert.deepEqual(cells({ closedAfterMs: null }), ['400', 'not in time'])
})

test('each of these fails the run, and nothing else does', () => {
  assert.deepEqual(failures([measured(), measured({ openedAfterMs: [], closedAfterMs: null })]), [])
  assert.deepEqual(failures([measured({ closedAfterMs: null, arrangement: 'unresolvable' })]), [])
  const table: [differing: Partial<Measured>, expected: RegExp][] = [
    [{ during: { ...ill, profiles: many(1, () => ({ status: 503, verdict: 'error' })) } }, /wrong answers/],
    [{ before: { ...well, hot: many(1, () => ({ status: 0, verdict: 'error' })) } }, /wrong answers/],
    [{ complaints: ['no connection'] }, /wrong answers: no connection/],
    [{ during: { ...ill, arrived: arrived(50, 56) } }, /1\.12 requests a call/],
    [{ closedAfterMs: null }, /did not close again/],
  ]
  for (const [differing, expected] of table) {
    const [told = '', ...others] = failures([measured(differing)])
    assert.match(told, expected)
    assert.deepEqual(others, [])
  }
})

test('an error is shown by its code', () => {
  const during = { ...ill, profiles: [...many(3), sample({ status: 503, verdict: 'error' }), sample({ status: 0 })] }
  assert.equal(row(report(results(measured({ during }))), '500', 0)[0], '200: 3, 503: 1, none: 1')
})

test('the head says what the healthy phases were like, all of them', () => {
  const slower = { ...well, hot: many(100, () => ({ tookMs: 20 })) }
  const page = report(results(measured(), measured({ before: slower })))
  assert.match(
    page,
    /in the 2 phases before the faults \| profile p50 1\.0 ms, p99 1\.0 ms; hot GET p99 14\.9 \(9\.9–20\.0\) ms/,
  )
})

test('what is written by hand stays, and the results of before go', () => {
  const page = `# By hand\n\n${BEGIN}\n\nold results\n`
  assert.equal(withMeasured(page, 'new\n'), `# By hand\n\n${BEGIN}\n\nnew\n`)
  assert.throws(() => withMeasured('# By hand\n', 'new'), /one line/)
  assert.throws(() => withMeasured(page + page, 'new'), /one line/)
})
