import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Log } from '../../ports.ts'
import { readModelKeys } from '../keys.ts'
import { consistencyTally, HOUR_MS, WINDOW_HOURS } from './tally.ts'

const NOW = 1_000 * HOUR_MS + 7
const SINCE = ['since', '', 1_000 - WINDOW_HOURS + 1]

/** What a tally writes, call after call. */
function start(t: TestContext) {
  const calls: unknown[][] = []
  const told: string[] = []
  const redis = { error: null as Error | null }
  const ignore = () => undefined
  const log: Log = { debug: (_, text) => void told.push(text), info: ignore, warn: ignore, error: ignore }
  const tally = consistencyTally({
    redis: {
      run: async (_script, _keys, args) => {
        if (redis.error) throw redis.error
        return calls.push(args)
      },
      hgetall: async () => ({}),
    },
    keys: readModelKeys('tally'),
    log,
    now: () => NOW,
  })
  t.after(tally.stop)
  return { tally, calls, told, redis }
}

test('what waits is written with the time at which it was seen, the last word only, and once', async (t) => {
  const { tally, calls } = start(t)
  tally.waiting(9)
  tally.waiting(3)
  await tally.stop()
  await tally.stop()
  assert.deepEqual(calls, [['set', 'waiting', `3 ${NOW}`, ...SINCE]])
})

test('what the feed does is added up, and written once', async (t) => {
  const { tally, calls } = start(t)
  tally.counted('retried')(2)
  tally.counted('retried')(3)
  tally.counted('parked')(1)
  await tally.stop()
  await tally.stop()
  assert.deepEqual(calls, [['add', 'feed:retried', 5, 'add', 'feed:parked', 1, ...SINCE]])
})

test('keys that were dropped count as found and as mended', async (t) => {
  const { tally, calls } = start(t)
  await tally.dropped(2)
  assert.deepEqual(calls, [['add', 'found:unreadable', 2, 'add', 'mended:unreadable', 2, ...SINCE]])
})

test('what cannot be counted is no fault of whoever is counted', async (t) => {
  const { tally, calls, told, redis } = start(t)
  redis.error = new Error('Connection is closed.')
  tally.handled([5])
  await tally.stop()
  assert.deepEqual([calls, told], [[], ['what the feed does could not be counted']])
})
