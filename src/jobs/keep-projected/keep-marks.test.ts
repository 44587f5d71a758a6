import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readModelKeys } from '../../projections/keys.ts'
import { keepMarks } from './keep-marks.ts'

const keys = readModelKeys('marks', 2)
const MARKS = ['2026-01-01 10:00:00.000', '2026-01-01 09:30:00.000']
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** Redis with these keys, and what was asked and written. `replays`: what each ask answers, the last one for ever. */
function open(stored: Record<string, string>, replays: boolean[] = [true]) {
  const asked: { key: string; since: string }[] = []
  const written: string[] = []
  const marks = keepMarks({
    redis: {
      get: async (key) => stored[key] ?? null,
      set: async (key, value) => {
        stored[key] = value
      },
    },
    keys,
    guard: { writeMark: async (mark) => void written.push(mark) },
    askForReplay: async (key, { since }) => {
      asked.push({ key, since })
      return (replays.length > 1 ? replays.shift() : replays[0]) ?? true
    },
    longestTransactionMs: 600_000,
    stop: new AbortController().signal,
    log: quiet,
  })
  return { ...marks, stored, asked, written }
}
const withMarks = (more: Record<string, string> = {}) => ({
  ...Object.fromEntries(keys.partitions.map(({ mark }, index) => [mark, MARKS[index] ?? ''])),
  ...more,
})

test('marks of the stream that the last ones came from are written as they come', async () => {
  const { keep, written, asked } = open(withMarks({ [keys.stream]: 's' }))
  await keep({ before: 'm1', stream: 's' })
  await keep({ before: 'm2', stream: 's' })
  assert.deepEqual([written, asked], [['m1', 'm2'], []])
})

test('read models that were kept before there were streams were kept out of the outbox', async () => {
  const { keep, written, asked, stored } = open(withMarks())
  await keep({ before: 'm1', stream: 'direct' })
  assert.deepEqual([written, asked, stored[keys.stream]], [['m1'], [], 'direct'])
})

test('another stream counts only after all has been replayed since the oldest mark, less the longest transaction', async () => {
  const { keep, written, asked, stored } = open(withMarks({ [keys.stream]: 'direct' }), [false, false, true])
  await keep({ before: 'm1', stream: 's' })
  await keep({ before: 'm2', stream: 's' })
  assert.deepEqual([written, stored[keys.stream]], [[], 'direct'])
  await keep({ before: 'm3', stream: 's' })
  assert.deepEqual([written, stored[keys.stream]], [['m3'], 's'])
  const since = '2026-01-01 09:20:00.000'
  assert.deepEqual(asked, Array(3).fill({ key: `s ${since}`, since }))
})

test('where there is no mark all is built anew, and there is nothing to replay', async () => {
  const { keep, written, asked, stored } = open({})
  await keep({ before: 'm1', stream: 's' })
  assert.deepEqual([written, asked, stored[keys.stream]], [['m1'], [], 's'])
})

test('after a loss it asks until it has been replayed, each loss anew', async () => {
  const { replayLost, asked } = open(withMarks({ [keys.stream]: 's' }), [false, true])
  await replayLost()
  assert.equal(asked.length, 2)
  assert.equal(asked[0]?.key, asked[1]?.key)
  await replayLost()
  assert.notEqual(asked[2]?.key, asked[0]?.key)
})
