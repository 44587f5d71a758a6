import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Measured } from '../rounds.ts'
import { failures, type Results, report } from './report.ts'

const round = (differing: Partial<Measured>): Measured => ({
  requests: 1_000,
  requestsPerSecond: 1_000,
  p50Ms: 1,
  p99Ms: 2,
  serverCpuUs: 10,
  redisCpuUs: 0,
  workerCpuUs: 0,
  generatorBusy: 0.5,
  sources: { redis: 1_000 },
  errors: 0,
  complaints: [],
  ...differing,
})

const RESULTS: Results = {
  command: 'node bench/opponents/run.ts --rounds 3',
  date: '2026-01-02',
  machine: { cores: 2, cpu: 'A CPU', memoryGib: 23.5, node: 'v26.0.0', redis: '7.0.15', commit: 'abc1234' },
  software: ['go1.26.0, echo v4.0.0', 'Python 3.11.0, django 5.2'],
  users: 100_000,
  hotUsers: 2_000,
  rounds: 3,
  seconds: 5,
  measurements: {
    bare: [round({}), round({ serverCpuUs: 20 }), round({ serverCpuUs: 12.5 })],
    'ours-near': [
      round({ serverCpuUs: 12, sources: { near: 600 } }),
      round({ serverCpuUs: 30, redisCpuUs: 10, sources: { near: 500, redis: 100 } }),
      round({ serverCpuUs: 25, redisCpuUs: 12.5, sources: { near: 900 } }),
    ],
  },
  skipped: [{ name: 'echo-goredis', why: 'go is not on the PATH' }],
  sizes: [
    { users: 1_000, asked: 1_000, measurements: { bare: [round({})], 'ours-redis': [round({ serverCpuUs: 15 })] } },
    {
      users: 1_000_000,
      asked: 2_000,
      measurements: { bare: [round({})], 'ours-redis': [round({ serverCpuUs: 16, redisCpuUs: 4, p99Ms: 3 })] },
    },
  ],
}

/** The cells of the lines that begin with these cells, without those. */
function rows(page: string, ...first: string[]): string[][] {
  const start = `| ${first.join(' | ')} |`
  return page
    .split('\n')
    .filter((line) => line.startsWith(start))
    .map((line) =>
      line
        .slice(start.length, -1)
        .split('|')
        .map((cell) => cell.trim()),
    )
}

test('server and Redis, their sum, and ratios to the bare server of the same round', () => {
  const [costs] = rows(report(RESULTS), 'ours-near')
  // Server 12/10, 30/20, 25/12.5; with Redis 12/10, 40/20, 37.5/12.5.
  assert.deepEqual(costs, ['25.0 (12.0–30.0)', '10.0', '37.5 (12.0–40.0)', '1.50 (1.20–2.00)', '2.00 (1.20–3.00)'])
})

test('where answers were read tells which case a contestant was', () => {
  const [, rates] = rows(report(RESULTS), 'ours-near')
  assert.deepEqual(rates?.slice(3), ['near 2,000, redis 100', '0', '50 %'])
})

test('what it was measured on and with, and who was left out', () => {
  const page = report(RESULTS)
  assert.deepEqual(rows(page, 'data'), [['100,000 users, 2,000 of them asked for in turn']])
  assert.deepEqual(rows(page, 'opponents'), [['go1.26.0, echo v4.0.0'], ['Python 3.11.0, django 5.2']])
  assert.match(page, /^- \*\*echo-goredis\*\* was skipped: go is not on the PATH$/m)
  assert.doesNotMatch(page, /\*\*django-orm\*\*/)
})

test('by number of users: each size with its own bare server', () => {
  const page = report(RESULTS)
  assert.deepEqual(rows(page, '1,000,000', 'ours-redis'), [
    ['2,000', '16.0 (16.0–16.0)', '4.0', '1.60 (1.60–1.60)', '3.00 (3.00–3.00)', 'redis 1,000'],
  ])
  assert.equal(rows(page, '1,000', 'bare').length, 1)
  const { sizes: _, ...rest } = RESULTS
  assert.doesNotMatch(report(rest), /By number of users/)
})

test('an error in any round makes the run a failure, and is told', () => {
  assert.deepEqual(failures(RESULTS), [])
  assert.doesNotMatch(report(RESULTS), /## Errors/)
  const wrong = round({ errors: 2, complaints: ['GET /x: 500'] })
  const table: [differing: Partial<Results>, expected: string][] = [
    [{ measurements: { bare: [round({}), wrong] } }, 'bare, round 2: 2 errors. GET /x: 500'],
    [
      { sizes: [{ users: 5_000, asked: 10, measurements: { bare: [wrong] } }] },
      '5,000 users, bare, round 1: 2 errors. GET /x: 500',
    ],
  ]
  for (const [differing, expected] of table) {
    assert.deepEqual(failures({ ...RESULTS, ...differing }), [expected])
    assert.match(report({ ...RESULTS, ...differing }), /## Errors\n\n- .*GET \/x: 500\n$/)
  }
})
