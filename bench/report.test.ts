import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failures, type Results, report } from './report.ts'
import type { Measured } from './rounds.ts'

const round = (differing: Partial<Measured>): Measured => ({
  requests: 1_000,
  requestsPerSecond: 1_000,
  p50Ms: 1,
  p99Ms: 2,
  serverCpuUs: 10,
  redisCpuUs: 3,
  workerCpuUs: 0,
  generatorBusy: 0.5,
  sources: { redis: 1_000 },
  errors: 0,
  complaints: [],
  ...differing,
})

const RESULTS: Results = {
  command: 'node bench/run.ts --rounds 3',
  date: '2026-01-02',
  machine: { cores: 2, cpu: 'A CPU', memoryGib: 23.5, node: 'v26.0.0', redis: '7.0.15', commit: 'abc1234' },
  users: 100_000,
  hotUsers: 2_000,
  rounds: 3,
  seconds: 2,
  measurements: {
    bare: [round({}), round({ serverCpuUs: 20, requestsPerSecond: 500 }), round({ serverCpuUs: 12.5 })],
    hot: [
      round({ serverCpuUs: 20, requestsPerSecond: 400, p99Ms: 9 }),
      round({ serverCpuUs: 50, requestsPerSecond: 250, p99Ms: 3, sources: { redis: 900, database: 100 } }),
      round({ serverCpuUs: 27.5, requestsPerSecond: 300, p99Ms: 4 }),
    ],
  },
  visibility: {
    commands: 200,
    shown: 200,
    elsewhereAfterMs: Array.from({ length: 200 }, (_, i) => (i + 1) / 100),
    foreignWrites: 200,
    seenAfterMs: Array.from({ length: 200 }, (_, i) => (i + 1) / 10),
    errors: 0,
    complaints: [],
  },
  crowds: [{ size: 1_000, sources: { redis: 880, database: 120 }, slowestMs: 41.2, errors: 0, complaints: [] }],
  flushes: [{ answers: 120_000, fromDatabase: 900, recoveredMs: 612.3, slowestMs: 18.4, errors: 0, complaints: [] }],
  rebuilds: [
    { users: 100_000, seconds: 4, usersPerSecond: 25_000, peakMib: 200 },
    { users: 1_000_000, seconds: 40, usersPerSecond: 25_000, peakMib: 250 },
  ],
}

/** The cells of the line that begins with this cell, `nth` of those. */
function row(page: string, first: string, nth = 0): string[] {
  const lines = page.split('\n').filter((line) => line.startsWith(`| ${first} |`))
  return (lines[nth] ?? '')
    .split('|')
    .slice(2, -1)
    .map((cell) => cell.trim())
}

test('a case shows its median round and the spread of all rounds', () => {
  const page = report(RESULTS)
  assert.deepEqual(row(page, 'hot'), [
    '300 (250–400)',
    '1.00 (1.00–1.00)',
    '4.00 (3.00–9.00)',
    'redis 2,900, database 100',
    '0',
    '50 %',
  ])
})

test('the ratio to the bare server is of the same round, not of medians', () => {
  const page = report(RESULTS)
  // Rounds: 20/10, 50/20, 27.5/12.5; and 400/1000, 250/500, 300/1000.
  assert.deepEqual(row(page, 'hot', 1), ['27.5 (20.0–50.0)', '3.0', '0.0', '2.20 (2.00–2.50)', '0.40 (0.30–0.50)'])
  assert.deepEqual(row(page, 'bare', 1).slice(3), ['1', '1'])
})

test('what was measured where, and how, stands at the top', () => {
  const page = report(RESULTS)
  assert.deepEqual(row(page, 'command'), ['`node bench/run.ts --rounds 3`'])
  assert.deepEqual(row(page, 'date, commit'), ['2026-01-02, abc1234'])
  assert.match(page, /2 cores \(A CPU\), 24 GiB/)
  assert.match(page, /Node v26\.0\.0, Redis 7\.0\.15/)
  assert.match(page, /100,000 users, 2,000 of them hot/)
  assert.match(page, /3 rounds of 2 s/)
})

test('visibility, flushes and rebuilds', () => {
  const page = report(RESULTS)
  assert.match(page, /200 of 200 were shown/)
  assert.match(page, /200 of 200 seen;\s+p50 10\.00 ms, p99 19\.80 ms, most 20\.00 ms/)
  assert.match(page, /showed them:\s+p50 1\.00 ms, p99 1\.98 ms, most 2\.00 ms/)
  assert.match(page, /^\| 1 \| 1,000 \| 0 \| 880 \| 120 \| 41 \|$/m)
  assert.match(page, /^\| 1 \| 120,000 \| 0 \| 900 \| 612 \| 18 \|$/m)
  assert.deepEqual(row(page, '1,000,000'), ['40.0', '25,000', '250'])
  assert.match(page, /factor 1\.25/)
})

test('what was not measured is not mentioned', () => {
  const { visibility: _, crowds: __, flushes: ___, rebuilds: ____, ...rest } = RESULTS
  const page = report({ ...rest, measurements: {} })
  assert.deepEqual(page.match(/^##? .*/gm), ['# Performance'])
  const { rebuilds = [] } = RESULTS
  assert.doesNotMatch(report({ ...RESULTS, rebuilds: rebuilds.slice(0, 1) }), /factor/)
})

test('a generator at its limit is said, by case', () => {
  assert.doesNotMatch(report(RESULTS), /at its own limit/)
  const bare = [round({}), round({ generatorBusy: 0.95 }), round({})]
  const page = report({ ...RESULTS, measurements: { ...RESULTS.measurements, bare } })
  assert.match(page, /at its own limit in: bare\./)
})

test('an error anywhere makes the run a failure, and is told', () => {
  assert.deepEqual(failures(RESULTS), [])
  assert.doesNotMatch(report(RESULTS), /## Errors/)
  const wrong = { errors: 2, complaints: ['GET /x: 500'] }
  const { visibility, flushes } = RESULTS
  assert.ok(visibility && flushes)
  const table: [differing: Partial<Results>, expected: RegExp][] = [
    [{ measurements: { hot: [round({}), round(wrong)] } }, /^hot, round 2: 2 errors\. GET \/x: 500$/],
    [{ visibility: { ...visibility, ...wrong } }, /^visibility: 2 errors/],
    [{ flushes: flushes.map((flush) => ({ ...flush, ...wrong })) }, /^FLUSHALL 1: 2 errors/],
  ]
  for (const [differing, expected] of table) {
    const found = failures({ ...RESULTS, ...differing })
    assert.equal(found.length, 1)
    assert.match(found[0] ?? '', expected)
    assert.match(report({ ...RESULTS, ...differing }), /## Errors\n\n- .*GET \/x: 500/)
  }
})
