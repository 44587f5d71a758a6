import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Measured } from '../rounds.ts'
import { together } from './together.ts'

const slice = (differing: Partial<Measured>): Measured => ({
  ...{ requests: 100, requestsPerSecond: 1_000, p50Ms: 1, p99Ms: 2, serverCpuUs: 10, redisCpuUs: 3, workerCpuUs: 0 },
  ...{ generatorBusy: 0.5, sources: { near: 100 }, errors: 0, complaints: [] },
  ...differing,
})

test('a slice with more requests counts for more; nothing that was wrong is lost', () => {
  const all = together([
    slice({}),
    slice({ requests: 300, serverCpuUs: 20, p50Ms: 5, sources: { near: 299, redis: 1 } }),
    slice({ p50Ms: 3, errors: 2, complaints: ['GET /x: 401'] }),
    // A machine that did not come to it at all.
    slice({ requests: 0, serverCpuUs: Number.POSITIVE_INFINITY, redisCpuUs: Number.NaN, sources: {}, p50Ms: 2 }),
  ])
  assert.deepEqual(
    [all.requests, all.serverCpuUs, all.redisCpuUs, all.p50Ms, all.errors],
    [500, (100 * 10 + 300 * 20 + 100 * 10) / 500, 3, 2.5, 2],
  )
  assert.deepEqual(all.sources, { near: 499, redis: 1 })
  assert.deepEqual(all.complaints, ['GET /x: 401'])
})
