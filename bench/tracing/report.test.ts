import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Measured } from '../rounds.ts'
import { BEGIN, END, section } from './report.ts'

const round = (serverCpuUs: number, requestsPerSecond: number): Measured => ({
  ...{ requests: 1, p50Ms: 1, p99Ms: 1, redisCpuUs: 0, workerCpuUs: 0, generatorBusy: 0 },
  ...{ sources: {}, errors: 0, complaints: [], serverCpuUs, requestsPerSecond },
})

test('each agent is told over none of the same round, and stands between the marks', () => {
  const text = section({
    ...{ command: 'node bench/tracing.ts', date: '2026-11-30', rounds: 2, seconds: 1 },
    machine: { cores: 2, cpu: 'some', memoryGib: 4, node: 'v26', commit: 'x', redis: '7' },
    measured: {
      near: { none: [round(10, 1_000), round(20, 500)], 'New Relic': [round(30, 400), round(40, 300)] },
      permission: {},
      write: {},
    },
  })
  assert.ok(text.startsWith(BEGIN) && text.endsWith(END))
  assert.match(text, /\| none \| 15\.0 \(10\.0–20\.0\) \| 1\.00 \(1\.00–1\.00\) \| 750 \|/)
  // 30 ÷ 10 and 40 ÷ 20, and not 35 ÷ 15.
  assert.match(text, /\| New Relic \| 35\.0 \(30\.0–40\.0\) \| 2\.50 \(2\.00–3\.00\) \| 350 \|/)
  assert.doesNotMatch(text, /OpenTelemetry \|/)
})
