import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ConsistencyReport, consistencyReport } from './report.ts'
import { HOUR_MS } from './tally.ts'

const NOW = 1_000 * HOUR_MS
const report = (fields: Record<string, string>, oldestUnprojectedMs = 12): ConsistencyReport =>
  consistencyReport(fields, { now: NOW, oldestUnprojectedMs, incarnation: () => 'present' })

test('before the first mark nobody says how old what is shown may be', () => {
  assert.equal(report({}, Number.POSITIVE_INFINITY).oldestUnprojectedMs, null)
  assert.equal(report({}, 0).oldestUnprojectedMs, 0)
})

test('what waits is told while somebody has counted it of late', () => {
  assert.equal(report({ waiting: `7 ${NOW - 60_000}` }).waiting, 7)
  for (const waiting of [`7 ${NOW - 60_001}`, '7', '']) assert.equal(report({ waiting }).waiting, null, waiting)
  assert.equal(report({}).waiting, null)
})

test('a walk tells when it ended; one that cannot be read is none, and spoils nothing else', () => {
  const walk = { checked: 3, differing: 1, moving: 0, ms: 5, endedAt: new Date(NOW - 1_500).toISOString() }
  const told = report({ walk: JSON.stringify(walk) })
  assert.deepEqual([told.walk, told.sinceWalkMs], [walk, 1_500])
  const broken = report({ walk: '{', 'feed:parked': '2' })
  assert.deepEqual([broken.walk, broken.sinceWalkMs, broken.feed.parked], [null, null, 2])
})

test('a time by a clock that goes ahead of ours was just now, and one that is none is not known', () => {
  assert.equal(report({ 'sampled:at': new Date(NOW + 5_000).toISOString() }).sinceSampleMs, 0)
  assert.equal(report({ 'sampled:at': 'yesterday' }).sinceSampleMs, null)
})

const hour = (ago: number, what: string) => `h:${NOW / HOUR_MS - ago}:${what}`

test('the share is of those found in order, in the hours that count, and no other field is a figure', () => {
  const { sample } = report({
    ...{ [hour(0, 'checked')]: '6', [hour(23, 'checked')]: '4', [hour(24, 'checked')]: '90' },
    ...{ [hour(0, 'differing')]: '1', [hour(1, 'differing')]: '1', [hour(0, 'moving')]: '3' },
    ...{ [`x${hour(0, 'checked')}`]: '90', [hour(0, '')]: '90', checked: '90' },
  })
  assert.deepEqual([sample.checked, sample.differing, sample.moving, sample.share], [10, 2, 3, 0.8])
})

test('each partition that is ahead under its own incarnation is named', () => {
  const fields = { 'alarm:2': 'i2', 'alarm:11': 'i11', 'alarm:3': 'i2', 'xalarm:5': 'i5', 'found:ahead': 'i5' }
  const told = consistencyReport(fields, { now: NOW, oldestUnprojectedMs: 0, incarnation: (index) => `i${index}` })
  assert.deepEqual([told.state, told.ahead], ['alarm', [2, 11]])
})

test('found and mended are told by cause, those of which there are none as well', () => {
  const told = report({
    'found:hint': '3',
    'found:dirty': '2',
    'mended:hint': '1',
    'feed:retried': '4',
    'found:x': '9',
  })
  assert.deepEqual([told.found.hint, told.found.dirty, told.found.missing], [3, 2, 0])
  assert.deepEqual([told.mended.hint, told.mended.dirty, told.feed.retried], [1, 0, 4])
  assert.deepEqual(Object.keys(told.found), Object.keys(told.mended))
})

test('percentiles go up the classes, in whatever order they stand there, and not above the oldest', () => {
  const { staleness } = report({
    ...{ [hour(0, 'stale:60')]: '1', [hour(1, 'stale:9')]: '49', [hour(0, 'stale:10')]: '50' },
    ...{ [hour(1, 'stalest')]: '7', [hour(0, 'stalest')]: '290', [hour(0, 'checked')]: '5000' },
  })
  // By the classes' limits, CLASS_RATIO ** n: 3 ms up to the 49th of 100, 290 ms being less than the last one's.
  assert.deepEqual(staleness, { changes: 100, p50Ms: 3, p99Ms: 3, maxMs: 290 })
  const half = report({ [hour(0, 'stale:0')]: '1', [hour(0, 'stale:60')]: '1', [hour(0, 'stalest')]: '290' })
  assert.deepEqual([half.staleness.p50Ms, half.staleness.p99Ms], [1, 290], 'half of them is half')
})

test('before anybody was drawn, or walked, nothing is known of when', () => {
  assert.deepEqual([report({}).sinceSampleMs, report({}).sinceWalkMs, report({}).walk], [null, null, null])
})
