import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { startTestRedis, type TestRedis } from '../support/redis.ts'
import type { Found } from './explore.ts'
import { FAULTS } from './faults/index.ts'
import type { Search, Told } from './thread.ts'

const SEED = 20_261_126
/** Twice as many as any of the faults takes to be seen; many more are run by `make simulate`. */
const SCHEDULES = 250
/** A fault's seed finds it within some dozen; a change of the code makes other schedules of it, and some more. */
const MAX_SCHEDULES = 3_000
const LIMIT_MS = 60_000

let server: TestRedis
let thread: Worker
before(async () => {
  server = await startTestRedis()
  thread = new Worker(new URL('./thread.ts', import.meta.url), { workerData: { url: server.url } })
})
after(async () => {
  await thread?.terminate()
  await server?.stop()
})

/** One at a time: they have one Redis, and one clock. */
async function search(asked: Search): Promise<Found> {
  const [answer] = await Promise.all([once(thread, 'message') as Promise<[Told]>, thread.postMessage(asked)])
  const [told] = answer
  if ('error' in told) throw new Error(told.error)
  return told.found
}

test(`no schedule shows anything that must not be (seed ${SEED})`, async () => {
  const { schedules, failure } = await search({
    seed: SEED,
    schedules: SCHEDULES,
    limitMs: LIMIT_MS,
    shrink: true,
  })
  assert.equal(failure?.report, undefined)
  assert.ok(schedules > SCHEDULES / 2, `only ${schedules} schedules in ${LIMIT_MS} ms`)
})

for (const fault of FAULTS) {
  test(`it would be seen if ${fault.name} (seed ${fault.seed})`, async (t) => {
    const { schedules, failure } = await search({
      fault: fault.name,
      seed: fault.seed,
      schedules: MAX_SCHEDULES,
      limitMs: LIMIT_MS,
      shrink: false,
      given: fault.given,
    })
    assert.ok(failure, `nothing seen in ${schedules} schedules: \`make simulate\` finds another seed`)
    assert.ok(fault.violates.includes(failure.invariant), failure.report)
    t.diagnostic(`after ${schedules} schedules`)
  })
}
