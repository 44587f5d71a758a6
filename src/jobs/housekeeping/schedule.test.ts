import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { quiet, until } from '../../../test/support/service.ts'
import type { Job } from '../../ports/jobs.ts'
import { MAX_CLOCK_SKEW_MS } from '../scheduling.ts'
import { A_DAY_MS, type HousekeepingQueue, scheduleHousekeeping } from './schedule.ts'

const NOW = 1_000 * A_DAY_MS

/** A schedule over a queue that does nothing by itself, and what was asked of it. */
function schedule(t: TestContext, fields: Record<string, string>, given: { ready?: boolean; fails?: boolean } = {}) {
  const added: string[] = []
  const reads: number[] = []
  let handle: ((job: Job<null, null>) => Promise<null>) | undefined
  const queue: HousekeepingQueue = {
    add: async (key) => {
      added.push(key)
      return key
    },
    find: async () => null,
    work: (work, concurrency) => {
      assert.equal(concurrency, 1)
      handle = work
      return { stop: async () => undefined }
    },
  }
  let removed = 0
  const run = async () => {
    removed += 1
    if (given.fails) throw new Error('planted')
    return 1
  }
  const tally = {
    read: async () => {
      reads.push(0)
      return fields
    },
    remember: async (what: string, value: string | number) => {
      fields[what] = String(value)
    },
  }
  const isReady = () => {
    reads.push(1)
    return given.ready ?? true
  }
  const worker = scheduleHousekeeping({
    ...{ queue, tasks: [{ name: 'a', run }], tally, isReady, log: quiet, now: () => NOW },
  })
  t.after(worker.stop)
  const stop = new AbortController().signal
  const work = async () => handle?.({ data: null, progress: null, keep: async () => undefined, stop })
  return { added, reads, fields, work, removed: () => removed }
}

for (const [when, fields] of [
  ['never', {}],
  ['a day ago', { 'ended:housekeeping': `${NOW - A_DAY_MS}` }],
  ['at a time that has not come', { 'ended:housekeeping': `${NOW + MAX_CLOCK_SKEW_MS + 1}` }],
  ['nobody knows when', { 'ended:housekeeping': 'x' }],
] as const) {
  test(`done last ${when}, it is due at once`, async (t) => {
    const { added } = schedule(t, { ...fields })
    await until('it is asked for', async () => added.length > 0)
    assert.deepEqual(added, ['housekeeping'])
  })
}

test('done a short while ago, by whichever process, it is not due', async (t) => {
  const { added, reads } = schedule(t, { 'ended:housekeeping': `${NOW - A_DAY_MS + 1}` })
  await until('it has looked', async () => reads.includes(0))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(added, [])
})

test('while Redis is away nobody is asked', async (t) => {
  const { added, reads } = schedule(t, {}, { ready: false })
  await until('it has looked', async () => reads.includes(1))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual([added, reads.includes(0)], [[], false])
})

test('it notes when it was done; what has failed was not', async (t) => {
  const done = schedule(t, {})
  await done.work()
  assert.deepEqual([done.fields, done.removed()], [{ 'ended:housekeeping': `${NOW}` }, 1])
  const failed = schedule(t, {}, { fails: true })
  await assert.rejects(failed.work(), /housekeeping failed: a/)
  assert.deepEqual([failed.fields, failed.removed()], [{}, 1])
})
