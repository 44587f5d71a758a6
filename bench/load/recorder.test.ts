import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recorder } from './recorder.ts'

test('every answer is kept, in order, however many come', () => {
  const record = recorder()
  const count = 200_000
  for (let i = 0; i < count; i += 1) record.add(i, i / 2, i % 3 === 0 ? 'database' : 'redis')
  const { answers, sources } = record.all()
  assert.deepEqual([answers.atMs.length, answers.tookMs.length, answers.fromDatabase.length], [count, count, count])
  assert.ok(answers.atMs.every((at, i) => at === i && answers.tookMs[i] === i / 2))
  assert.ok(answers.fromDatabase.every((from, i) => from === (i % 3 === 0 ? 1 : 0)))
  assert.deepEqual(sources, { database: 66_667, redis: 133_333 })
})
