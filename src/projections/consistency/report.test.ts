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
