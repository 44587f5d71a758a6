import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measured } from './rounds.ts'

test('a round’s figures: a request each, on the time that the load really took', () => {
  const tookMs = Float64Array.from({ length: 200 }, (_, i) => 200 - i)
  const answers = { tookMs, atMs: new Float64Array(200), fromDatabase: new Uint8Array(200) }
  const sources = { redis: 199, database: 1 }
  const load = { answers, elapsedMs: 4_000, generatorBusy: 0.25, sources, errors: 1, complaints: ['x'] }
  assert.deepEqual(measured(load, [20_000, 4_000, 1_000]), {
    requests: 200,
    requestsPerSecond: 50,
    p50Ms: 100,
    p99Ms: 198,
    serverCpuUs: 100,
    redisCpuUs: 20,
    workerCpuUs: 5,
    generatorBusy: 0.25,
    sources,
    errors: 1,
    complaints: ['x'],
  })
  assert.equal(tookMs[0], 200, 'the answers stay in order')
})
