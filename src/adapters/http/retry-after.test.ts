import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryAfterMs } from './retry-after.ts'

const NOW = Date.parse('2026-11-29T05:00:00Z')

for (const [header, ms] of [
  ['0', 0],
  ['2', 2_000],
  ['120', 120_000],
  ['Sun, 29 Nov 2026 05:00:07 GMT', 7_000],
  ['Sun, 29 Nov 2026 04:59:00 GMT', 0],
  [undefined, 0],
  ['', 0],
  ['-1', 0],
  ['1.5', 0],
  ['soon', 0],
  ['2026-11-29', 0],
  ['9'.repeat(10), 0],
  [['1', '2'], 0],
] as const) {
  test(`Retry-After ${header} is ${ms} ms`, () => {
    assert.equal(retryAfterMs(header as string | string[] | undefined, NOW), ms)
  })
}
