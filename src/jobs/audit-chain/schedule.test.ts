import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { quiet, until } from '../../../test/support/service.ts'
import { MAX_CLOCK_SKEW_MS } from '../scheduling.ts'
import { chainFigures, PASS } from './passes.ts'
import { type ChainQueue, scheduleChains } from './schedule.ts'

const NOW = 1_800_000_000_000
const EVERY_MS = 1_000

/** A schedule over a queue that does nothing by itself: whether it has looked, and what it has asked for. */
async function looked(t: TestContext, fields: Record<string, string>, isReady = true) {
  const added: string[] = []
  let looks = 0
  const queue: ChainQueue = {
    add: async (key) => {
      added.push(key)
      return key
    },
    find: async () => null,
    work: () => ({ stop: async () => undefined }),
  }
  const worker = scheduleChains({
    ...{ queue, everyMs: EVERY_MS, log: quiet, now: () => NOW },
    tally: {
      read: async () => ({ ...fields }),
      remember: async (what, value) => void Object.assign(fields, { [what]: String(value) }),
    },
    isReady: () => {
      looks += 1
      return isReady
    },
    verify: () => Promise.reject(new Error('not here')),
    pace: () => async () => undefined,
  })
  t.after(worker.stop)
  await until('it has looked', async () => looks > 0)
  await new Promise((resolve) => setImmediate(resolve))
  return added
}
const ended = (endedAt: number) => ({ [PASS]: JSON.stringify({ chains: 1, entries: 1, broken: {}, ms: 1, endedAt }) })

test('a pass is due when none has ended for so long, by whichever clock', async (t) => {
  assert.deepEqual(await looked(t, {}), ['audit-chain'])
  assert.deepEqual(await looked(t, ended(NOW - EVERY_MS)), ['audit-chain'])
  assert.deepEqual(await looked(t, ended(NOW + MAX_CLOCK_SKEW_MS + 1)), ['audit-chain'])
})

test('since when there was none is remembered, once, so that it is noticed', async (t) => {
  const fields: Record<string, string> = {}
  await looked(t, fields)
  assert.equal(chainFigures(fields, NOW + 7).sincePassMs, 7)
  const before = { 'chains:since': '5' }
  await looked(t, before)
  assert.deepEqual(before, { 'chains:since': '5' })
})

test('a pass that has ended a short while ago is not done again, nor one asked for while Redis is away', async (t) => {
  assert.deepEqual(await looked(t, ended(NOW - EVERY_MS + 1)), [])
  assert.deepEqual(await looked(t, ended(NOW + MAX_CLOCK_SKEW_MS)), [], 'by a clock that goes a little ahead')
  assert.deepEqual(await looked(t, { [PASS]: 'nobody can read this' }), ['audit-chain'])
  assert.deepEqual(await looked(t, {}, false), [])
})
