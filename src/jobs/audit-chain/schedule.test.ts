import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { quiet, until } from '../../../test/support/service.ts'
import { PASS } from './passes.ts'
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
    tally: { read: async () => fields, remember: async () => undefined },
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
  assert.deepEqual(await looked(t, ended(NOW + 1)), ['audit-chain'])
})

test('a pass that has ended a short while ago is not done again, nor one asked for while Redis is away', async (t) => {
  assert.deepEqual(await looked(t, ended(NOW - EVERY_MS + 1)), [])
  assert.deepEqual(await looked(t, {}, false), [])
})
