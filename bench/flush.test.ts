import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeFlush, recovery } from './flush.ts'
import type { Answers, LoadResult } from './load/load.ts'

/** One answer every 10 ms; those from the database are named by their times. */
function answers(untilMs: number, databaseAtMs: number[]): Answers {
  const atMs = Float64Array.from({ length: untilMs / 10 }, (_, i) => (i + 1) * 10)
  const fromDatabase = Uint8Array.from(atMs, (at) => (databaseAtMs.includes(at) ? 1 : 0))
  return { atMs, tookMs: Float64Array.from(atMs, (at) => (at === 1_010 ? 33 : 2)), fromDatabase }
}

const load = (given: Answers, differing: Partial<LoadResult> = {}): LoadResult => ({
  answers: given,
  elapsedMs: 4_000,
  generatorBusy: 0.5,
  sources: {},
  errors: 0,
  complaints: [],
  ...differing,
})

test('hot reads are back when the last answer from the database has come, not the first from Redis', () => {
  assert.deepEqual(recovery(answers(4_000, [1_000, 1_010, 1_500, 1_640]), 900), { fromDatabase: 4, recoveredMs: 740 })
})

test('what came from the database before the flush has nothing to do with it', () => {
  assert.deepEqual(recovery(answers(4_000, [500, 1_000]), 900), { fromDatabase: 1, recoveredMs: 100 })
})

test('reads from the database until the end: they are not back', () => {
  assert.deepEqual(recovery(answers(4_000, [1_000, 4_000]), 900), { fromDatabase: 2, recoveredMs: null })
  assert.deepEqual(recovery(answers(4_000, [1_000, 3_600]), 900), { fromDatabase: 2, recoveredMs: null })
  assert.equal(recovery(answers(4_000, [1_000, 3_500]), 900).recoveredMs, 2_600)
  assert.equal(judgeFlush(load(answers(4_000, [1_000, 4_000])), 900).errors, 1)
})

test('a flush that no read noticed was none', () => {
  const flush = judgeFlush(load(answers(4_000, [])), 900)
  assert.equal(flush.recoveredMs, null)
  assert.equal(flush.errors, 1)
  assert.match(flush.complaints[0] ?? '', /emptied at all/)
})

test('a good flush has no error, and its slowest answer is told; wrong answers are added up', () => {
  const good = answers(4_000, [1_000])
  assert.deepEqual(judgeFlush(load(good), 900), {
    answers: 400,
    fromDatabase: 1,
    recoveredMs: 100,
    slowestMs: 33,
    errors: 0,
    complaints: [],
  })
  const bad = judgeFlush(load(good, { errors: 7, complaints: ['wrong'] }), 900)
  assert.deepEqual([bad.errors, bad.complaints], [7, ['wrong']])
})
