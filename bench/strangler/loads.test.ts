import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atRate, flatOut } from './loads.ts'

test('flat out: CPU times a request, of each process and of the generator', () => {
  const tookMs = Float64Array.from({ length: 200 }, () => 1)
  const answers = { tookMs, atMs: new Float64Array(200), fromDatabase: new Uint8Array(200) }
  const result = { answers, elapsedMs: 4_000, generatorBusy: 0.25, sources: {}, errors: 1, complaints: ['x'] }
  assert.deepEqual(flatOut(result, { proxy: 20_000, legacy: 4_000 }), {
    ...{ requests: 200, requestsPerSecond: 50, generatorCpuUs: 5_000 },
    cpuUs: { proxy: 100, legacy: 20 },
    ...{ errors: 1, complaints: ['x'] },
  })
})

test('at rate: times are from when a request was sent, and lateness is told apart', () => {
  const samples = Array.from({ length: 100 }, (_, i) => ({
    ...{ dueAtMs: i, lateMs: 1 + i, tookMs: 1 + i + (100 - i), status: 200, reasons: [] },
    verdict: i === 0 ? ('error' as const) : ('whole' as const),
  }))
  assert.deepEqual(atRate({ samples, next: 100, complaints: ['y'] }, { legacy: 700 }), {
    ...{ requests: 100, p50Ms: 50, p99Ms: 99, lateP99Ms: 99 },
    ...{ cpuUs: { legacy: 7 }, errors: 1, complaints: ['y'] },
  })
})
