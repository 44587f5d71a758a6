import assert from 'node:assert/strict'
import { test } from 'node:test'
import { caughtUp, LONGEST_CATCHING_UP_MS } from './caught-up.ts'

/** Time that passes only while it is waited for; `ageMs`: how old what is known is, by then. */
function start(ageMs: (nowMs: number) => number) {
  let nowMs = 10_000
  const wait = caughtUp({
    freshness: { ageMs: () => ageMs(nowMs) },
    now: () => nowMs,
    async pause(ms, signal) {
      signal?.throwIfAborted()
      nowMs += ms
    },
  })
  return { wait, now: () => nowMs }
}
const never = new AbortController().signal

test('it waits until what is known is younger than the question', async () => {
  const { wait, now } = start((nowMs) => (nowMs < 10_700 ? 900 : 500))
  await wait(never)
  assert.equal(now(), 10_700)
})

test('an age as large as the wait is not enough: the change may have come in just that moment', async () => {
  const { wait, now } = start((nowMs) => (nowMs < 10_500 ? nowMs - 10_000 : 0))
  await wait(never)
  assert.equal(now(), 10_500)
})

test('where nothing is known it gives up in the end', async () => {
  const { wait, now } = start(() => Number.POSITIVE_INFINITY)
  await wait(never)
  assert.equal(now() - 10_000, LONGEST_CATCHING_UP_MS)
})

test('aborted, it rejects', async () => {
  const { wait } = start(() => Number.POSITIVE_INFINITY)
  await assert.rejects(wait(AbortSignal.abort(new Error('stopped'))), /stopped/)
})
